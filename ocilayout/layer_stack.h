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
    /// What was left out, one sentence each.
    [[nodiscard]] std::vector<std::string> warnings() const;

private:
    void begin(const std::string& origin);
    void apply_entry(const LayerEntry& entry);
    void apply_named(const LayerEntry& entry);
    void apply_whiteout(const ImagePath& directory, std::string_view name);
    void put(const ImagePath& path, Node node);
    [[nodiscard]] Node hard_linked(const ImagePath& path, const std::string& target) const;
    [[nodiscard]] ImagePath resolve_parent(const ImagePath& path) const;
    void remove_lower(const ImagePath& path, bool itself);
    void note_losses(const LayerEntry& entry, const ImagePath& path);
    void note_owner(const LayerEntry& entry);
    void warn(std::string sentence);

    FileTree tree_;
    std::string origin_;
    /// Whiteouts spare what their own layer brought, wherever in the layer they stand.
    std::set<ImagePath> added_;
    std::uint64_t entries_ = 0;
    std::optional<Owner> owner_;
    bool owners_differ_ = false;
    std::vector<std::string> warnings_;
    std::size_t more_warnings_ = 0;
};

}  // namespace smith::ocilayout
