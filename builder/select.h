// SPDX-License-Identifier: Apache-2.0
//
// Which of the available files ship. A path that was asked for works in the image exactly as it does in the available
// tree: every link on its way is there, with the same target, and so is what the links lead to.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "base/file_tree.h"
#include "base/image_path.h"
#include "builder/elf/closure.h"
#include "builder/glob.h"

namespace smith::builder {

/// The `excludes:` of a spec. A pattern that matches a directory takes all below it along, and one that leads through
/// a link (`/lib64/libfoo*`) means the files that are really there.
class Excludes {
public:
    Excludes() = default;
    /// Throws Error (spec) for a pattern that is none.
    Excludes(const FileTree& available, const std::vector<std::string>& patterns);

    [[nodiscard]] bool operator()(const ImagePath& path) const;
    [[nodiscard]] bool empty() const noexcept { return globs_.empty(); }
    /// Indexes of patterns that match nothing in the available tree: probably a slip of the pen.
    [[nodiscard]] const std::vector<std::size_t>& unmatched() const noexcept { return unmatched_; }

private:
    [[nodiscard]] bool names(const ImagePath& path) const;
    std::vector<Glob> globs_;
    std::set<ImagePath> paths_;
    std::vector<std::size_t> unmatched_;
};

/// A pattern that matches nothing.
struct Unmatched {
    std::size_t pattern = 0;              ///< index in `paths`
    std::vector<std::string> candidates;  ///< what was probably meant, the best first; may be empty
    bool only_excluded = false;           ///< it does match, but nothing that is not excluded
};

struct SelectResult {
    FileTree tree;
    std::vector<std::size_t> matches;  ///< for each of `paths`, how many entries it matched itself
    std::vector<Unmatched> unmatched;
    std::vector<std::string> warnings;  ///< dangling links, and links to what is excluded
};

/// Directories are taken with all below them. A link is followed and all of its chain recreated, wherever it stands: in
/// a pattern's way, as a match, or below a directory that matches. A link to a directory brings that directory with
/// all below it, unless the link stands below that directory itself (`/usr/bin/X11 -> .`): then the link alone.
/// Throws Error (spec) for a pattern that is none.
[[nodiscard]] SelectResult select(const FileTree& available, const std::vector<std::string>& paths,
                                  const Excludes& excludes = {});

/// Adds what it takes for `path` to work in `chosen` as it does in `available`: the entry, every link on the way and at
/// the end, what they lead to (a directory without what it holds), every directory above. What `chosen` has already
/// stays as it is. False when the path leads nowhere in `available`; the links that lead there are added even so.
/// Throws Error (format) when `chosen` has a file where a directory is needed.
bool add_path(FileTree& chosen, const FileTree& available, const ImagePath& path);

/// Adds all that `closure` found.
void add_libraries(FileTree& chosen, const FileTree& available, const elf::Closure& closure);

/// Takes out what is excluded. For what came by other ways than select(), such as an overlay.
void remove_excluded(FileTree& tree, const Excludes& excludes);

/// The default for a spec without `paths`: executable regular files, and links to such, in directories named bin or
/// sbin, of these origins. In byte order. Use escape_glob() to hand them to select().
[[nodiscard]] std::vector<ImagePath> executables_of(const FileTree& available, const std::set<std::string>& origins);

}  // namespace smith::builder
