// SPDX-License-Identifier: Apache-2.0
//
// What the upper layers of an image say whatever lies below them: for questions that need not all layers. It follows
// the rules of layer_stack.h, and knows of each place whether it knows it. A name whose way leads over a directory that
// no layer here brings may land anywhere, through a link below; from then on nothing of that name is certain.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/file_tree.h"
#include "ocilayout/layer_record.h"

namespace smith::ocilayout {

class UpperLayers {
public:
    /// Applies the next layer. What a LayerStack would refuse makes everything
    /// uncertain: it is told when all layers are laid on each other.
    /// `next` gives one entry after the other, false behind the last.
    void apply(const std::function<bool(LayerEntry&)>& next);

    enum class Certainty { unknown, absent, there };
    struct Answer {
        Certainty certainty = Certainty::unknown;
        const Entry* entry = nullptr;  ///< of what is there
    };
    /// What `path` leads to, links followed.
    [[nodiscard]] Answer find(const ImagePath& path) const;

    /// What is certain to be there. Directories need not be complete.
    [[nodiscard]] const FileTree& tree() const noexcept { return tree_; }
    [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }

    /// True when the trees that come of laying `a` and `b` on the same layers, whichever these are, differ exactly as
    /// a.tree() and b.tree() do.
    [[nodiscard]] static bool differ_as_their_trees(const UpperLayers& a, const UpperLayers& b);

private:
    using Paths = std::set<ImagePath, PathOrder>;
    struct Place {
        ImagePath directory;
        bool is_certain = false;
    };
    enum class State { unknown, absent, open_directory, whole_directory, leaf };

    void apply_named(const LayerEntry& entry);
    void apply_whiteout(const Place& place, std::string_view name);
    void apply_directory(const ImagePath& path);
    void apply_hard_link(const ImagePath& path, const std::string& target);
    void put(const ImagePath& path, Node node);
    void hide_lower(const ImagePath& path, bool itself);
    void forget(const ImagePath& path);
    void make_unknown(const ImagePath& path);
    [[nodiscard]] Place place_of(const ImagePath& path);
    [[nodiscard]] bool is_wild_on_the_way(const ImagePath& path) const;
    [[nodiscard]] bool is_absent(const ImagePath& path) const;
    [[nodiscard]] State state_of(const ImagePath& path) const;

    FileTree tree_;
    Paths absent_;  ///< nothing is there, and nothing below
    Paths whole_;   ///< directories in which nothing is but what tree_ has
    Paths added_;   ///< by the layer that is being applied
    /// Last names of what landed nobody knows where.
    std::set<std::string, std::less<>> wild_;
    bool is_undecidable_ = false;
    std::uint64_t entries_ = 0;
};

}  // namespace smith::ocilayout
