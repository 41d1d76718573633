// SPDX-License-Identifier: Apache-2.0
//
// The tree that a program of the image would see if everything available were in it: what was chosen lies over what
// is available. Answers the question that a dynamic loader asks a thousand times: is this name in that directory?
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_tree.h"
#include "base/image_path.h"

namespace smith::elf {

/// `under` with all of `over` put on top; where they disagree, `over` is right.
[[nodiscard]] FileTree lay_over(FileTree under, const FileTree& over);

/// True when each entry of `part` is in `whole` too, the same in all but its origin.
[[nodiscard]] bool is_part_of(const FileTree& part, const FileTree& whole);

/// A directory, found as open(2) would find it.
struct FoundDirectory {
    ImagePath spelled;  ///< as it was asked for; where a ".." was in it, what is before that is resolved
    ImagePath real;     ///< without links
    /// What must exist besides `spelled` for the same text to lead here: directories and links before a "..".
    std::vector<ImagePath> through;
};

/// A regular file, found as open(2) would find it.
struct FoundFile {
    ImagePath spelled;
    ImagePath real;
    const Regular* file = nullptr;
    std::vector<ImagePath> through;
};

class TreeView {
public:
    using Predicate = std::function<bool(const ImagePath&)>;

    /// Refers to both trees. `excluded` may be empty; it never hides what is chosen.
    TreeView(const FileTree& chosen, const FileTree& available, Predicate excluded);
    TreeView(const TreeView&) = delete;
    TreeView& operator=(const TreeView&) = delete;

    [[nodiscard]] const FileTree& tree() const noexcept { return merged_ ? *merged_ : available_; }

    /// `path` as a program spells it: absolute, perhaps with ".." behind links. Nothing for a relative one, because
    /// nobody knows the working directory. Remembers what it found.
    [[nodiscard]] const FoundDirectory* find_directory(const std::string& path);
    [[nodiscard]] std::optional<FoundFile> find_file(std::string_view path);
    /// `name` has no '/'.
    [[nodiscard]] std::optional<FoundFile> find_file_in(const FoundDirectory& directory, std::string_view name) const;

    /// Whether `file` is to be treated as absent.
    [[nodiscard]] bool is_excluded(const FoundFile& file) const;

private:
    struct Place {
        ImagePath spelled;
        std::vector<ImagePath> through;
    };
    [[nodiscard]] std::optional<Place> place_of(std::string_view path) const;

    const FileTree& chosen_;
    const FileTree& available_;
    std::optional<FileTree> merged_;
    Predicate excluded_;
    std::map<std::string, std::optional<FoundDirectory>> directories_;
};

}  // namespace smith::elf
