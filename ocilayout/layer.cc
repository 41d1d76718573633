// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/layer.h"

#include <map>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "ocilayout/gzip.h"
#include "ocilayout/tar_writer.h"

namespace smith::ocilayout {

namespace {

// Part of layer_key(): goes up with every change of the bytes that write_tar() makes of a tree, so that a cache of an
// older smith is not believed. tests/golden/image.golden changes with it.
constexpr std::string_view kTarFormat = "smith tar 1";

// ext4 allows 65,000 names for one file, other file systems fewer; a new copy once in a thousand costs nothing.
constexpr unsigned kMaxNamesPerFile = 1000;

/// Where a file of these bytes and this mode was written first.
struct FirstName {
    std::string_view name;
    unsigned names = 1;
};
using FirstNames = std::map<std::pair<Content, bool>, FirstName>;

void write_regular(TarWriter& tar, std::string_view name, const Regular& file, Owner owner, const Contents& contents,
                   FirstNames& first_names) {
    const unsigned mode = mode_of(file);
    if (file.content.size > 0) {
        const auto [first, is_new] = first_names.try_emplace({file.content, file.executable}, FirstName{name});
        if (!is_new && first->second.names < kMaxNamesPerFile) {
            ++first->second.names;
            tar.hard_link(name, first->second.name, mode, owner);
            return;
        }
        if (!is_new) first->second = FirstName{name};
    }
    const Bytes bytes = contents.open(file.content);
    tar.begin_file(name, file.content.size, mode, owner);
    tar.data(bytes.view());
}

void append_field(std::string& out, std::string_view field) {
    // No field holds a NUL: not a path, not a link's target.
    out += field;
    out += '\0';
}

}  // namespace

void write_tar(const FileTree& tree, Owner owner, const Contents& contents, const Sink& out) {
    TarWriter tar(out);
    FirstNames first_names;
    for (const auto& [path, entry] : tree.entries()) {
        // The root is the runtime's: every one of them makes it, and none agrees with another about its entry.
        if (path.is_root()) continue;
        const std::string_view name = path.relative();
        if (const auto* link = std::get_if<Symlink>(&entry.node)) {
            tar.symlink(name, link->target, owner);
        } else if (const auto* file = std::get_if<Regular>(&entry.node)) {
            // (Named `where`: clang 14 can't capture a structured binding.)
            while_doing([&where = path] { return "writing " + quote(where.str()); },
                        [&] { write_regular(tar, name, *file, owner, contents, first_names); });
        } else {
            tar.directory(name, mode_of(entry.node), owner);
        }
    }
    tar.finish();
}

Digest tar_digest(const FileTree& tree, Owner owner, const Contents& contents) {
    Hasher hasher;
    write_tar(tree, owner, contents, [&](std::span<const std::byte> bytes) { hasher.update(bytes); });
    return hasher.finish();
}

Layer write_layer(const FileTree& tree, Owner owner, const Contents& contents, const Sink& out, unsigned jobs) {
    GzipWriter gzip(jobs, out);
    write_tar(tree, owner, contents, [&](std::span<const std::byte> bytes) { gzip.write(bytes); });
    const GzipWriter::Result result = gzip.finish();
    return {result.input, result.output, result.output_size};
}

Digest layer_key(const FileTree& tree, Owner owner) {
    std::string text;
    append_field(text, kTarFormat);
    append_field(text, std::to_string(owner.uid));
    append_field(text, std::to_string(owner.gid));
    for (const auto& [path, entry] : tree.entries()) {
        append_field(text, path.str());
        if (const auto* link = std::get_if<Symlink>(&entry.node)) {
            append_field(text, "link");
            append_field(text, link->target);
        } else if (const auto* file = std::get_if<Regular>(&entry.node)) {
            append_field(text, file->executable ? "executable" : "file");
            append_field(text, file->content.digest.hex());
            append_field(text, std::to_string(file->content.size));
        } else {
            append_field(text, "dir");
        }
    }
    return sha256(text);
}

}  // namespace smith::ocilayout
