// SPDX-License-Identifier: Apache-2.0
//
// Patterns over the paths of an image, as people write them into a spec: `*` and `?` within a name, `[a-z]`, `[!a-z]`
// or `[^a-z]`, `\` before a character that shall mean itself, and `**` for any number of directories. Names are bytes;
// a leading dot is nothing special (as in Go's filepath.Glob, which Oracle's Smith used). No pattern, however
// malicious, takes more than polynomial time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file_tree.h"
#include "base/image_path.h"

namespace smith::builder {

/// A parsed pattern. Absolute or relative spelling mean the same place, as for ImagePath.
class Glob {
public:
    /// Throws Error (spec): an empty pattern, a "..", a NUL, a `[` without its `]`, a `\` at the end.
    explicit Glob(std::string_view pattern);

    /// As it was given.
    [[nodiscard]] const std::string& str() const noexcept { return text_; }
    /// Without wildcards: the pattern is the name of one path.
    [[nodiscard]] bool is_literal() const noexcept;
    /// Whether the whole of `path` matches, with no tree and no links in sight. `/a/**` matches all below /a, not /a.
    [[nodiscard]] bool matches(const ImagePath& path) const;

    /// One per name; "**" stands alone.
    [[nodiscard]] const std::vector<std::string>& components() const noexcept { return components_; }

private:
    std::string text_;
    std::vector<std::string> components_;
};

/// What a pattern finds in a tree.
struct GlobMatches {
    /// In byte order. No directory above a match is a link; the match itself may be one.
    std::vector<ImagePath> paths;
    /// The links to directories that the pattern led through, such as /lib64 for `/lib64/libnss*`.
    std::vector<ImagePath> links;
};

/// Goes through links to directories as a shell does; `**` does not.
[[nodiscard]] GlobMatches find_matches(const FileTree& tree, const Glob& glob);

/// `name` with a `\` before each character that a pattern would take for its own.
[[nodiscard]] std::string escape_glob(std::string_view name);

/// For a pattern that matches nothing: what was probably meant, the best first, at most `most`. May be empty.
[[nodiscard]] std::vector<std::string> suggest_paths(const FileTree& tree, const Glob& glob, std::size_t most = 3);

}  // namespace smith::builder
