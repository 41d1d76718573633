// SPDX-License-Identifier: Apache-2.0
//
// What an image is made of, and the value in the middle of everything: a tree that cannot hold what must not vary.
// There is no field for a time, an owner, a device, a setuid bit or an extended attribute, so none can leak into an
// image. Bytes of files are elsewhere (contents.h); the tree names them by digest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/digest.h"
#include "base/image_path.h"

namespace smith {

/// The bytes of a regular file, by name.
struct Content {
    Digest digest;
    std::uint64_t size = 0;  ///< in bytes
    auto operator<=>(const Content&) const = default;
};

struct Directory {
    bool operator==(const Directory&) const = default;
};

struct Regular {
    bool executable = false;
    Content content;
    bool operator==(const Regular&) const = default;
};

struct Symlink {
    std::string target;  ///< as readlink(2) gives it: any bytes but NUL, not empty
    bool operator==(const Symlink&) const = default;
};

using Node = std::variant<Directory, Regular, Symlink>;

struct Entry {
    Node node;
    /// Which package, layer or overlay it is from; for people, never part of an image.
    std::string origin;
    bool operator==(const Entry&) const = default;
};

/// Where a path leads to once the links on its way are followed.
struct Resolution {
    /// No component is a link, as far as the tree goes; the rest, which does not exist, is appended as it was asked
    /// for, as far as it makes a path.
    ImagePath path;
    /// What is there; null when nothing is, or when links run in a circle.
    const Entry* entry = nullptr;
    /// Every link that was followed, in order. Whoever wants the same path to work elsewhere needs all of them.
    std::vector<ImagePath> links;
    /// More than kMaxSymlinksFollowed links: the kernel would say ELOOP.
    bool too_many_links = false;
};

enum class LastLink { follow, keep };

/// Byte order of paths, which a path that exists nowhere (the end of a range) can be compared with by its spelling.
struct PathOrder {
    using is_transparent = void;
    bool operator()(const ImagePath& a, const ImagePath& b) const noexcept { return a.str() < b.str(); }
    bool operator()(const ImagePath& a, std::string_view b) const noexcept { return a.str() < b; }
    bool operator()(std::string_view a, const ImagePath& b) const noexcept { return a < b.str(); }
};

/// Invariant: the parent of every entry is an entry, and a directory. The root is a directory and always there.
class FileTree {
public:
    using Entries = std::map<ImagePath, Entry, PathOrder>;

    FileTree();

    /// In byte order of paths, the root first; a directory always comes before what it holds.
    [[nodiscard]] const Entries& entries() const noexcept { return entries_; }
    /// Entries, not counting the root.
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size() - 1; }

    /// The entry of exactly this name, no link followed; null when there is none.
    [[nodiscard]] const Entry* find(const ImagePath& path) const;
    [[nodiscard]] bool contains(const ImagePath& path) const { return find(path) != nullptr; }

    /// Adds `entry`, or puts it in place of the one that bears the name. Missing parents become directories of the same
    /// origin. Throws Error (format) when a parent is not a directory (links are not followed), when a directory that
    /// holds something would be replaced by something else, for a link whose target no kernel would take, and for more
    /// than kMaxTreeEntries entries.
    void put(const ImagePath& path, Entry entry);

    /// Whether whatever stands above `path` is a directory, so that put() will find it a place. No link is followed.
    [[nodiscard]] bool has_room_for(const ImagePath& path) const;

    /// Removes the entry and all below it. The root loses what it holds, and stays.
    void erase(const ImagePath& path);

    /// Follows `path` as the kernel would with this tree as its root: ".." in a link stops at the root, and leads
    /// nowhere from what is no directory.
    [[nodiscard]] Resolution resolve(const ImagePath& path, LastLink last = LastLink::follow) const;

    /// Entries directly in `directory`, in byte order. Empty for what is not a directory.
    [[nodiscard]] std::vector<ImagePath> children(const ImagePath& directory) const;

    /// First entry strictly below `directory`; iterate while `is_below(it, directory)`.
    [[nodiscard]] Entries::const_iterator first_below(const ImagePath& directory) const;
    [[nodiscard]] bool is_below(Entries::const_iterator it, const ImagePath& directory) const;

    bool operator==(const FileTree&) const = default;

private:
    Entries entries_;
};

/// One line an entry, as a person would compare it: "/usr/bin/cat  file 0755 cc55e2ec". The root is left out.
[[nodiscard]] std::string dump(const FileTree& tree);

[[nodiscard]] inline const Regular* as_regular(const Entry* entry) {
    return entry == nullptr ? nullptr : std::get_if<Regular>(&entry->node);
}
[[nodiscard]] inline const Symlink* as_symlink(const Entry* entry) {
    return entry == nullptr ? nullptr : std::get_if<Symlink>(&entry->node);
}
[[nodiscard]] inline bool is_directory(const Entry* entry) {
    return entry != nullptr && std::holds_alternative<Directory>(entry->node);
}

/// The mode bits that `node` has in an image: 0755 or 0644; 0777 for a link, whose mode nobody looks at.
[[nodiscard]] unsigned mode_of(const Node& node);

}  // namespace smith
