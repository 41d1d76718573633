// SPDX-License-Identifier: Apache-2.0
#include "base/image_path.h"

#include "base/bounds.h"
#include "base/error.h"

namespace smith {

namespace {

[[noreturn]] void reject(std::string_view text, std::string_view why) {
    throw Error(ErrorKind::format, "path " + quote(text) + " " + std::string(why));
}

/// Calls `visit` for each component that says something: not "" and not ".".
template <typename Visit>
void for_each_component(std::string_view text, Visit&& visit) {
    if (text.size() > limits::kMaxPathBytes) reject(text, "is too long");
    if (text.find('\0') != std::string_view::npos) reject(text, "holds a NUL byte");
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t slash = std::min(text.find('/', at), text.size());
        const std::string_view component = text.substr(at, slash - at);
        at = slash + 1;
        if (component.empty() || component == ".") continue;
        if (component.size() > limits::kMaxNameBytes) reject(text, "has a component that is too long");
        visit(component);
    }
}

}  // namespace

ImagePath ImagePath::parse(std::string_view text) { return ImagePath() / text; }

ImagePath ImagePath::parse_lexically(std::string_view text, const ImagePath& base) {
    ImagePath out = text.starts_with('/') ? ImagePath() : base;
    for_each_component(
        text, [&](std::string_view component) { out = component == ".." ? out.parent() : out.child(component); });
    return out;
}

std::string_view ImagePath::name() const noexcept { return std::string_view(text_).substr(text_.rfind('/') + 1); }

ImagePath ImagePath::parent() const {
    ImagePath out;
    const std::size_t slash = text_.rfind('/');
    if (slash != 0) out.text_ = text_.substr(0, slash);
    return out;
}

ImagePath ImagePath::child(std::string_view component) const {
    if (component.empty() || component == "." || component == ".." || component.find('/') != std::string_view::npos) {
        reject(component, "is not the name of an entry in a directory");
    }
    return *this / component;
}

ImagePath ImagePath::operator/(std::string_view relative) const {
    ImagePath out = *this;
    for_each_component(relative, [&](std::string_view component) {
        if (component == "..") reject(relative, "has a '..' component");
        if (!out.is_root()) out.text_ += '/';
        out.text_ += component;
    });
    if (out.text_.size() > limits::kMaxPathBytes) reject(out.text_, "is too long");
    return out;
}

std::vector<std::string_view> ImagePath::components() const {
    std::vector<std::string_view> out;
    for_each_component(text_, [&](std::string_view component) { out.push_back(component); });
    return out;
}

bool ImagePath::is_at_or_below(const ImagePath& directory) const noexcept {
    if (directory.is_root()) return true;
    const std::string& prefix = directory.text_;
    return text_.starts_with(prefix) && (text_.size() == prefix.size() || text_[prefix.size()] == '/');
}

ImagePath ImagePath::rebased(const ImagePath& from, const ImagePath& to) const {
    const std::size_t skip = from.is_root() ? 0 : from.text_.size();
    return to / std::string_view(text_).substr(skip);
}

}  // namespace smith
