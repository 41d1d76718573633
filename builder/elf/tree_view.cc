// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/tree_view.h"

#include <algorithm>
#include <utility>

#include "base/bounds.h"

namespace smith::elf {

FileTree lay_over(FileTree under, const FileTree& over) {
    for (const auto& [path, entry] : over.entries()) {
        if (path.is_root()) continue;
        const Entry* below = under.find(path);
        if (below != nullptr && below->node == entry.node) continue;
        if (is_directory(below)) under.erase(path);
        under.put(path, entry);
    }
    return under;
}

bool is_part_of(const FileTree& part, const FileTree& whole) {
    return part.size() <= whole.size() &&
           std::all_of(part.entries().begin(), part.entries().end(), [&](const auto& item) {
               const Entry* same = whole.find(item.first);
               return same != nullptr && same->node == item.second.node;
           });
}

TreeView::TreeView(const FileTree& chosen, const FileTree& available, Predicate excluded)
    : chosen_(chosen), available_(available), excluded_(std::move(excluded)) {
    // Only an overlay makes them differ; without one, a copy of some ten thousand entries is saved.
    if (!is_part_of(chosen, available)) merged_ = lay_over(available, chosen);
}

std::optional<TreeView::Place> TreeView::place_of(std::string_view path) const {
    if (!path.starts_with('/') || path.size() > limits::kMaxPathBytes || path.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    Place out;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        const std::string_view name = path.substr(at, slash - at);
        at = slash + 1;
        if (name.empty() || name == ".") continue;
        if (name.size() > limits::kMaxNameBytes) return std::nullopt;
        if (name != "..") {
            if (out.spelled.str().size() + name.size() >= limits::kMaxPathBytes) return std::nullopt;
            out.spelled = out.spelled / name;
            continue;
        }
        // ".." is taken where the links before it lead, and only a directory has one.
        const Resolution before = tree().resolve(out.spelled);
        if (!is_directory(before.entry)) return std::nullopt;
        if (!out.spelled.is_root()) out.through.push_back(out.spelled);
        out.spelled = before.path.parent();
    }
    return out;
}

const FoundDirectory* TreeView::find_directory(const std::string& path) {
    auto [it, is_new] = directories_.try_emplace(path);
    if (is_new) {
        if (std::optional<Place> place = place_of(path)) {
            const Resolution resolution = tree().resolve(place->spelled);
            if (is_directory(resolution.entry)) {
                it->second = FoundDirectory{std::move(place->spelled), resolution.path, std::move(place->through)};
            }
        }
    }
    return it->second ? &*it->second : nullptr;
}

std::optional<FoundFile> TreeView::find_file(std::string_view path) {
    std::optional<Place> place = place_of(path);
    if (!place) return std::nullopt;
    const Resolution resolution = tree().resolve(place->spelled);
    const Regular* file = as_regular(resolution.entry);
    if (file == nullptr) return std::nullopt;
    return FoundFile{std::move(place->spelled), resolution.path, file, std::move(place->through)};
}

std::optional<FoundFile> TreeView::find_file_in(const FoundDirectory& directory, std::string_view name) const {
    if (name.empty() || name == "." || name == ".." || name.size() > limits::kMaxNameBytes ||
        directory.spelled.str().size() + name.size() >= limits::kMaxPathBytes ||
        directory.real.str().size() + name.size() >= limits::kMaxPathBytes) {
        return std::nullopt;
    }
    const ImagePath path = directory.real / name;
    const Entry* entry = tree().find(path);
    if (entry == nullptr) return std::nullopt;
    if (const Regular* file = as_regular(entry)) {
        return FoundFile{directory.spelled / name, path, file, directory.through};
    }
    const Resolution resolution = tree().resolve(path);
    const Regular* file = as_regular(resolution.entry);
    if (file == nullptr) return std::nullopt;
    return FoundFile{directory.spelled / name, resolution.path, file, directory.through};
}

bool TreeView::is_excluded(const FoundFile& file) const {
    if (!excluded_ || chosen_.contains(file.real)) return false;
    if (excluded_(file.spelled) || excluded_(file.real)) return true;
    // A link in the middle of a chain may be what the pattern meant.
    const Resolution resolution = tree().resolve(file.spelled);
    return std::any_of(resolution.links.begin(), resolution.links.end(), excluded_);
}

}  // namespace smith::elf
