// SPDX-License-Identifier: Apache-2.0
//
// Lays layers one on the other as containerd would unpack them (OCI image-spec layer.md), but into a FileTree: links in
// the way of a name are followed inside the tree, whiteouts remove what lower layers brought, and what a tree can't
// hold is left out and told. There is no path on the host in here, so there is nothing to escape from.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/content_store.h"
#include "base/file_tree.h"
#include "ocilayout/layer_record.h"
#include "ocilayout/owner.h"
#include "ocilayout/tar_reader.h"

namespace smith::ocilayout {

/// What an entry had and a tree can't hold.
struct Loss {
    ImagePath path;
    std::string what;  ///< "is a fifo, ignoring": the path makes it a sentence
    bool operator==(const Loss&) const = default;
};

class LayerStack {
public:
    /// Applies the next layer. Throws Error (format), naming the entry.
    void apply(LayerRecordReader& layer, const std::string& origin);
    /// The same for a layer that is being read; contents go to `pack`, which the caller commits.
    void apply(TarReader& tar, const std::string& origin, PackWriter& pack);

    [[nodiscard]] const FileTree& tree() const noexcept { return tree_; }
    [[nodiscard]] FileTree take_tree() { return std::move(tree_); }
    /// The owner of all entries so far; nothing where they differ.
    [[nodiscard]] std::optional<Owner> owner() const { return owners_differ_ ? std::nullopt : owner_; }
    /// In the order of the layers; only the first kMaxLosses.
    [[nodiscard]] const std::vector<Loss>& losses() const noexcept { return losses_; }
    /// The same as sentences, a bounded number of them.
    [[nodiscard]] std::vector<std::string> warnings() const;

private:
    void begin(const std::string& origin);
    void apply_entry(const LayerEntry& entry);
    void apply_named(const LayerEntry& entry);
    void apply_whiteout(const ImagePath& directory, std::string_view name);
    void put(const ImagePath& path, Node node);
    [[nodiscard]] Node hard_linked(const std::string& target) const;
    [[nodiscard]] ImagePath resolve_parent(const ImagePath& path) const;
    void remove_lower(const ImagePath& path, bool itself);
    void note_losses(const LayerEntry& entry, const ImagePath& path);
    void note_owner(const LayerEntry& entry);
    void lose(const ImagePath& path, std::string what);

    FileTree tree_;
    std::string origin_;
    /// Whiteouts spare what their own layer brought, wherever in the layer they stand.
    std::set<ImagePath> added_;
    std::uint64_t entries_ = 0;
    std::optional<Owner> owner_;
    bool owners_differ_ = false;
    std::vector<Loss> losses_;
    std::size_t more_losses_ = 0;
};

}  // namespace smith::ocilayout
