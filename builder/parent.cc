// SPDX-License-Identifier: Apache-2.0
#include "builder/parent.h"

#include <unordered_set>
#include <vector>

#include "builder/overlay.h"

namespace smith::builder {

namespace {

class TwoContents : public Contents {
public:
    TwoContents(const FileTree& tree, const Contents& first, const Contents& second) : first_(first), second_(second) {
        for (const auto& [path, entry] : tree.entries()) {
            if (const Regular* file = as_regular(&entry)) in_first_.insert(file->content.digest);
        }
    }

    [[nodiscard]] Bytes open(const Content& content) const override {
        return (in_first_.contains(content.digest) ? first_ : second_).open(content);
    }

    void prefetch(std::span<const Content> contents) const override {
        std::vector<Content> rest;
        for (const Content& content : contents) {
            if (!in_first_.contains(content.digest)) rest.push_back(content);
        }
        second_.prefetch(rest);
    }

private:
    const Contents& first_;
    const Contents& second_;
    std::unordered_set<Digest, DigestHash> in_first_;
};

}  // namespace

FileTree lay_on_parent(const FileTree& parent, const FileTree& ours) {
    FileTree out = parent;
    apply_overlay(out, ours);
    return out;
}

FileTree difference(const FileTree& whole, const FileTree& parent) {
    FileTree out;
    for (const auto& [path, entry] : whole.entries()) {
        const Entry* below = parent.find(path);
        if (below == nullptr || below->node != entry.node) out.put(path, entry);
    }
    return out;
}

std::unique_ptr<Contents> join_contents(const FileTree& tree, const Contents& first, const Contents& second) {
    return std::make_unique<TwoContents>(tree, first, second);
}

}  // namespace smith::builder
