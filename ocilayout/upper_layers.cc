// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/upper_layers.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ocilayout/whiteout.h"

namespace smith::ocilayout {

namespace {

void erase_at_or_below(std::set<ImagePath, PathOrder>& paths, const ImagePath& path) {
    paths.erase(path);
    const auto first = path.is_root() ? paths.begin() : paths.lower_bound(path.str() + "/");
    auto last = first;
    while (last != paths.end() && last->is_at_or_below(path)) ++last;
    paths.erase(first, last);
}

}  // namespace

void UpperLayers::apply(const std::function<bool(LayerEntry&)>& next) {
    added_.clear();
    LayerEntry entry;
    while (next(entry)) {
        ++entries_;
        try {
            apply_named(entry);
        } catch (const Error&) {
            // A name that no path can have, too many entries: whoever lays all layers together refuses it.
            is_undecidable_ = true;
        }
        if (is_undecidable_) return;
    }
}

void UpperLayers::apply_named(const LayerEntry& entry) {
    const ImagePath spelled = ImagePath::parse(entry.name);
    if (spelled.is_root()) {
        if (entry.kind != TarKind::directory) is_undecidable_ = true;
        return;
    }
    const Place place = place_of(spelled.parent());
    const std::string_view name = spelled.name();
    if (name.starts_with(kWhiteout)) return apply_whiteout(place, name);
    if (!place.is_certain) {
        wild_.emplace(name);
        return;
    }
    const ImagePath path = place.directory / name;
    switch (entry.kind) {
        case TarKind::directory: return apply_directory(path);
        case TarKind::regular: return put(path, Regular{entry.executable, entry.content});
        case TarKind::symlink: return put(path, Symlink{entry.link});
        case TarKind::hard_link: return apply_hard_link(path, entry.link);
        case TarKind::character_device:
        case TarKind::block_device:
        case TarKind::fifo:
            forget(path);
            absent_.insert(path);
            if (!tree_.contains(place.directory)) apply_directory(place.directory);
            return;
    }
}

/// Where `directory` leads to, and whether that holds whatever is below.
UpperLayers::Place UpperLayers::place_of(const ImagePath& directory) {
    for (const std::string_view component : directory.components()) {
        if (component.starts_with(kWhiteout)) is_undecidable_ = true;
    }
    const Resolution found = tree_.resolve(directory);
    const bool is_refused = found.too_many_links || (found.entry != nullptr && !is_directory(found.entry));
    if (is_refused) is_undecidable_ = true;
    if (is_undecidable_) return {};
    if (found.entry == nullptr && (!found.links.empty() || !is_absent(found.path))) return {};
    // What landed somewhere may stand in the way by now.
    if (!wild_.empty() && (!found.links.empty() || is_wild_on_the_way(found.path))) return {};
    return {found.path, true};
}

bool UpperLayers::is_wild_on_the_way(const ImagePath& path) const {
    return std::ranges::any_of(path.components(), [&](std::string_view one) { return wild_.contains(one); });
}

bool UpperLayers::is_absent(const ImagePath& path) const {
    ImagePath here;
    for (const std::string_view component : path.components()) {
        const ImagePath next = here / component;
        if (absent_.contains(next)) return true;
        if (!tree_.contains(next)) return whole_.contains(here);
        here = next;
    }
    return false;
}

void UpperLayers::forget(const ImagePath& path) {
    if (tree_.contains(path)) tree_.erase(path);
    erase_at_or_below(absent_, path);
    erase_at_or_below(whole_, path);
}

void UpperLayers::make_unknown(const ImagePath& path) {
    forget(path);
    whole_.erase(path.parent());
    wild_.emplace(path.name());
}

void UpperLayers::put(const ImagePath& path, Node node) {
    forget(path);
    std::vector<ImagePath> made;
    for (ImagePath parent = path.parent(); !tree_.contains(parent); parent = parent.parent()) made.push_back(parent);
    tree_.put(path, Entry{std::move(node), {}});
    added_.insert(path);
    for (ImagePath& parent : made) {
        absent_.erase(parent);
        whole_.insert(parent);
        added_.insert(std::move(parent));
    }
}

void UpperLayers::apply_directory(const ImagePath& path) {
    if (is_directory(tree_.find(path))) {
        added_.insert(path);
        return;
    }
    // In place of something else, or of nothing, it is empty. In place of what nobody knows, it may be what was there.
    const bool is_new = tree_.contains(path) || is_absent(path);
    put(path, Directory{});
    if (is_new) whole_.insert(path);
}

void UpperLayers::apply_hard_link(const ImagePath& path, const std::string& target) {
    forget(path);
    absent_.insert(path);
    const ImagePath spelled = ImagePath::parse(target);
    if (spelled.is_root()) {
        is_undecidable_ = true;
        return;
    }
    const Place place = place_of(spelled.parent());
    if (is_undecidable_) return;
    if (!place.is_certain || wild_.contains(spelled.name())) return make_unknown(path);
    const ImagePath found = place.directory / spelled.name();
    const Entry* entry = tree_.find(found);
    if (is_directory(entry) || is_absent(found)) {
        is_undecidable_ = true;
        return;
    }
    if (entry == nullptr) return make_unknown(path);
    Node node = entry->node;
    put(path, std::move(node));
}

void UpperLayers::apply_whiteout(const Place& place, std::string_view name) {
    if (name.starts_with(kAufsPrefix) && name != kOpaque) return;
    const std::string_view hidden = name.substr(kWhiteout.size());
    const bool names_nothing = hidden.empty() || hidden == "." || hidden == "..";
    // An opaque directory that may be any directory leaves nothing certain.
    if (names_nothing || (name == kOpaque && !place.is_certain)) {
        is_undecidable_ = true;
    } else if (!place.is_certain) {
        wild_.emplace(hidden);
    } else if (name == kOpaque) {
        hide_lower(place.directory, false);
    } else {
        hide_lower(place.directory / hidden, true);
    }
}

/// As LayerStack::remove_lower(): a directory goes when nothing of this layer is left in it. What stays is whole.
void UpperLayers::hide_lower(const ImagePath& path, bool itself) {
    if (is_absent(path)) return;
    std::vector<ImagePath> lower;
    if (itself && tree_.contains(path) && !added_.contains(path)) lower.push_back(path);
    for (auto it = tree_.first_below(path); tree_.is_below(it, path); ++it) {
        if (!added_.contains(it->first)) lower.push_back(it->first);
    }
    for (auto it = lower.rbegin(); it != lower.rend(); ++it) {
        if (!tree_.is_below(tree_.first_below(*it), *it)) forget(*it);
    }
    if (is_directory(tree_.find(path))) whole_.insert(path);
    for (auto it = tree_.first_below(path); tree_.is_below(it, path); ++it) {
        if (is_directory(&it->second)) whole_.insert(it->first);
    }
    if (!tree_.contains(path) && itself) absent_.insert(path);
}

UpperLayers::Answer UpperLayers::find(const ImagePath& path) const {
    if (is_undecidable_) return {};
    const Resolution found = tree_.resolve(path);
    if (!wild_.empty() && (!found.links.empty() || is_wild_on_the_way(found.path))) return {};
    if (found.entry != nullptr) return {Certainty::there, found.entry};
    const bool is_certain = wild_.empty() && found.links.empty() && is_absent(found.path);
    return {is_certain ? Certainty::absent : Certainty::unknown, nullptr};
}

UpperLayers::State UpperLayers::state_of(const ImagePath& path) const {
    const Entry* entry = tree_.find(path);
    if (entry == nullptr) {
        // Below a file or a link is nothing either.
        ImagePath above = path.parent();
        while (!tree_.contains(above)) above = above.parent();
        return is_absent(path) || !is_directory(tree_.find(above)) ? State::absent : State::unknown;
    }
    if (!is_directory(entry)) return State::leaf;
    return whole_.contains(path) ? State::whole_directory : State::open_directory;
}

bool UpperLayers::differ_as_their_trees(const UpperLayers& a, const UpperLayers& b) {
    for (const UpperLayers* one : std::array{&a, &b}) {
        if (one->is_undecidable_ || !one->wild_.empty()) return false;
    }
    // What is known on one side only needs the layers below; so does a directory that shows them on one side only.
    const auto agree = [&](const ImagePath& path) {
        const State left = a.state_of(path);
        const State right = b.state_of(path);
        if (left == State::unknown || right == State::unknown) return false;
        return (left == State::open_directory) == (right == State::open_directory);
    };
    for (const UpperLayers* one : std::array{&a, &b}) {
        for (const auto& [path, entry] : one->tree_.entries()) {
            if (!agree(path)) return false;
        }
        if (!std::ranges::all_of(one->absent_, agree)) return false;
    }
    return true;
}

}  // namespace smith::ocilayout
