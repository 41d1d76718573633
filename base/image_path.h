// SPDX-License-Identifier: Apache-2.0
//
// A place in an image. Never a path on the host: it cannot hold "..", ".", an empty component or a NUL, so there is
// nothing in it that could escape from anywhere. The bytes of a name are kept as they are; they need not be UTF-8.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace smith {

class ImagePath {
public:
    /// The root, "/".
    ImagePath() = default;

    /// From an absolute or relative spelling; both mean the same place. "." components, doubled and trailing slashes
    /// are dropped. Throws Error (format) for "..", for a NUL, for a component over 255 bytes and for a whole over
    /// kMaxPathBytes (bounds.h).
    [[nodiscard]] static ImagePath parse(std::string_view text);

    /// Where `text` leads when it is read in directory `base`, with ".." taken lexically and stopping at the root:
    /// what a spec's author means by it. For links in a tree use FileTree::resolve instead.
    [[nodiscard]] static ImagePath parse_lexically(std::string_view text, const ImagePath& base);

    [[nodiscard]] bool is_root() const noexcept { return text_.size() == 1; }
    /// Absolute spelling, beginning with '/'.
    [[nodiscard]] const std::string& str() const noexcept { return text_; }
    /// Spelling without the leading '/': "" for the root. What a tar entry is called.
    [[nodiscard]] std::string_view relative() const noexcept { return std::string_view(text_).substr(1); }
    /// The last component; "" for the root.
    [[nodiscard]] std::string_view name() const noexcept;
    /// The root is its own parent.
    [[nodiscard]] ImagePath parent() const;
    /// This path with one component more. `component` holds no '/', and is neither "." nor ".."; throws Error (format).
    [[nodiscard]] ImagePath child(std::string_view component) const;
    /// `relative` as parse() takes it, read in this directory.
    [[nodiscard]] ImagePath operator/(std::string_view relative) const;
    /// From the top down; none for the root. The views live as long as this path.
    [[nodiscard]] std::vector<std::string_view> components() const;
    /// True for the path itself and for all below it.
    [[nodiscard]] bool is_at_or_below(const ImagePath& directory) const noexcept;
    /// This path moved from below `from` to below `to`. Needs is_at_or_below(from).
    [[nodiscard]] ImagePath rebased(const ImagePath& from, const ImagePath& to) const;

    /// Byte order of the spelling: the order of entries in a layer.
    auto operator<=>(const ImagePath&) const = default;
    bool operator==(const ImagePath&) const = default;

private:
    std::string text_ = "/";
};

}  // namespace smith

template <>
struct std::hash<smith::ImagePath> {
    std::size_t operator()(const smith::ImagePath& path) const noexcept { return std::hash<std::string>{}(path.str()); }
};
