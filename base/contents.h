// SPDX-License-Identifier: Apache-2.0
//
// The bytes behind a FileTree, whoever has them: packs of the content store, memory, or something that unpacks a
// package the moment it is asked for one of its files.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/file_tree.h"

namespace smith {

/// Read-only bytes, and whatever must live as long as they do. Cheap to copy.
class Bytes {
public:
    Bytes() = default;
    Bytes(std::shared_ptr<const void> keep, std::span<const std::byte> view) : keep_(std::move(keep)), view_(view) {}
    [[nodiscard]] std::span<const std::byte> view() const noexcept { return view_; }
    [[nodiscard]] std::size_t size() const noexcept { return view_.size(); }

private:
    std::shared_ptr<const void> keep_;
    std::span<const std::byte> view_;
};

class Contents {
public:
    virtual ~Contents() = default;

    /// The bytes of `content`, verified against its digest and size. May be called from any thread.
    /// Throws Error: integrity, when they don't match; system, when nobody has them.
    [[nodiscard]] virtual Bytes open(const Content& content) const = 0;

    /// A hint: `contents` are going to be opened, and may be brought here together. Those that nobody has are skipped.
    /// Throws what open() would throw.
    virtual void prefetch(std::span<const Content> contents) const { static_cast<void>(contents); }
};

/// Contents in memory: files that smith makes itself, and tests.
class MemoryContents : public Contents {
public:
    /// Not to be called while another thread is in open().
    Content put(std::string bytes);
    [[nodiscard]] Bytes open(const Content& content) const override;
    [[nodiscard]] bool contains(const Digest& digest) const { return contents_.contains(digest); }

private:
    std::map<Digest, std::shared_ptr<const std::string>> contents_;
};

}  // namespace smith
