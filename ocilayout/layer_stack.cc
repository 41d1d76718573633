// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/layer_stack.h"

#include <utility>

#include "base/error.h"
#include "ocilayout/bounds.h"
#include "ocilayout/whiteout.h"

namespace smith::ocilayout {

namespace {

// A base image of a distribution has some dozen setuid programs and devices. A report longer than this helps nobody.
constexpr std::size_t kMaxWarnings = 200;
// Each takes memory, and costs an attacker a header.
constexpr std::size_t kMaxLosses = 100'000;

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::format, why); }

std::string_view name_of(TarKind kind) {
    switch (kind) {
        case TarKind::character_device: return "a character device";
        case TarKind::block_device: return "a block device";
        case TarKind::fifo: return "a fifo";
        default: return "an entry";
    }
}

bool is_device(TarKind kind) {
    return kind == TarKind::character_device || kind == TarKind::block_device || kind == TarKind::fifo;
}

}  // namespace

void LayerStack::begin(const std::string& origin) {
    origin_ = origin;
    added_.clear();
}

void LayerStack::apply(LayerRecordReader& layer, const std::string& origin) {
    begin(origin);
    LayerEntry entry;
    while (layer.next(entry)) apply_entry(entry);
}

void LayerStack::apply(TarReader& tar, const std::string& origin, PackWriter& pack) {
    begin(origin);
    std::vector<std::byte> buffer(std::size_t{64} * 1024);
    TarEntry entry;
    while (tar.next(entry)) apply_entry(read_layer_entry(tar, entry, &pack, buffer));
}

void LayerStack::apply_entry(const LayerEntry& entry) {
    if (++entries_ > limits::kMaxTreeEntries) {
        refuse("more than " + std::to_string(limits::kMaxTreeEntries) + " entries in the layers of one image");
    }
    while_doing([&] { return "entry " + quote(entry.name); }, [&] { apply_named(entry); });
}

void LayerStack::apply_named(const LayerEntry& entry) {
    const ImagePath spelled = ImagePath::parse(entry.name);
    note_owner(entry);
    if (spelled.is_root()) {
        // A link called "." would stand for the root from here on (umoci CVE-2021-29136).
        if (entry.kind != TarKind::directory) refuse("the root of an image can only be a directory");
        return;
    }
    const ImagePath directory = resolve_parent(spelled);
    const std::string_view name = spelled.name();
    if (name.starts_with(kWhiteout)) return apply_whiteout(directory, name);

    const ImagePath path = directory / name;
    note_losses(entry, path);
    switch (entry.kind) {
        case TarKind::directory:
            if (!is_directory(tree_.find(path))) return put(path, Directory{});
            // Of both layers; what is in it stays.
            added_.insert(path);
            return;
        case TarKind::regular: return put(path, Regular{entry.executable, entry.content});
        case TarKind::symlink: return put(path, Symlink{entry.link});
        case TarKind::hard_link: {
            // Unpacking removes what bears the name before it links: the way to the target may have gone with it.
            tree_.erase(path);
            Node node = hard_linked(entry.link);
            return put(path, std::move(node));
        }
        case TarKind::character_device:
        case TarKind::block_device:
        case TarKind::fifo:
            // Whatever had the name is hidden by what we can't hold; its directory is there all the same.
            tree_.erase(path);
            if (!tree_.contains(directory)) put(directory, Directory{});
            return;
    }
}

/// The directory that `path` is put in, links followed as the kernel would with the tree as its root.
ImagePath LayerStack::resolve_parent(const ImagePath& path) const {
    const ImagePath directory = path.parent();
    const Resolution parent = tree_.resolve(directory);
    if (parent.too_many_links) refuse("too many links on the way to " + quote(directory.str()));
    if (parent.entry != nullptr && !is_directory(parent.entry)) {
        refuse(quote(parent.path.str()) + " is not a directory");
    }
    for (const std::string_view component : directory.components()) {
        if (component.starts_with(kWhiteout)) refuse("a directory may not be called " + quote(component));
    }
    return parent.path;
}

void LayerStack::put(const ImagePath& path, Node node) {
    // Last wins, as when a layer is unpacked: a file takes the place of a whole directory.
    if (tree_.contains(path)) tree_.erase(path);
    for (ImagePath parent = path.parent(); !tree_.contains(parent); parent = parent.parent()) added_.insert(parent);
    tree_.put(path, Entry{std::move(node), origin_});
    added_.insert(path);
}

/// What `target` is, to be known under another name too. A tree has no links of this kind: both names get the node.
Node LayerStack::hard_linked(const std::string& target) const {
    const ImagePath spelled = ImagePath::parse(target);
    const ImagePath found = spelled.is_root() ? spelled : resolve_parent(spelled) / spelled.name();
    const Entry* entry = tree_.find(found);
    if (entry == nullptr) refuse("it is a hard link to " + quote(target) + ", which is not there");
    if (is_directory(entry)) refuse("it is a hard link to the directory " + quote(target));
    return entry->node;
}

void LayerStack::apply_whiteout(const ImagePath& directory, std::string_view name) {
    if (name == kOpaque) return remove_lower(directory, false);
    if (name.starts_with(kAufsPrefix)) return;
    const std::string_view hidden = name.substr(kWhiteout.size());
    if (hidden.empty() || hidden == "." || hidden == "..") refuse("this whiteout names no file");
    remove_lower(directory / hidden, true);
}

void LayerStack::remove_lower(const ImagePath& path, bool itself) {
    if (!tree_.contains(path)) return;
    std::vector<ImagePath> lower;
    if (itself && !added_.contains(path)) lower.push_back(path);
    for (auto it = tree_.first_below(path); tree_.is_below(it, path); ++it) {
        if (!added_.contains(it->first)) lower.push_back(it->first);
    }
    // From the bottom up: a directory goes when nothing of this layer is left in it.
    for (auto it = lower.rbegin(); it != lower.rend(); ++it) {
        if (!tree_.is_below(tree_.first_below(*it), *it)) tree_.erase(*it);
    }
}

void LayerStack::note_losses(const LayerEntry& entry, const ImagePath& path) {
    if (is_device(entry.kind)) lose(path, "is " + std::string(name_of(entry.kind)) + ", ignoring");
    if (entry.set_id) lose(path, "has the setuid or setgid bit, ignoring the bit");
    if (entry.has_capabilities) lose(path, "has file capabilities, ignoring them");
}

void LayerStack::note_owner(const LayerEntry& entry) {
    const bool too_large = entry.uid > UINT32_MAX || entry.gid > UINT32_MAX;
    const Owner owner{static_cast<std::uint32_t>(entry.uid), static_cast<std::uint32_t>(entry.gid)};
    if (too_large || (owner_ && *owner_ != owner)) owners_differ_ = true;
    owner_ = owner;
}

void LayerStack::lose(const ImagePath& path, std::string what) {
    if (losses_.size() < kMaxLosses) {
        losses_.push_back({path, std::move(what)});
    } else {
        ++more_losses_;
    }
}

std::vector<std::string> LayerStack::warnings() const {
    std::vector<std::string> out;
    for (const Loss& loss : losses_) {
        if (out.size() == kMaxWarnings) break;
        out.push_back(quote(loss.path.str()) + " " + loss.what);
    }
    const std::size_t more = losses_.size() - out.size() + more_losses_;
    if (more > 0) out.push_back("and " + std::to_string(more) + " more such files, ignoring");
    return out;
}

}  // namespace smith::ocilayout
