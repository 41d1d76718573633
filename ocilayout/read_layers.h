// SPDX-License-Identifier: Apache-2.0
//
// From the layers of an image to its tree: each layer is opened, decompressed and packed once, several at a time, and
// never again while the cache keeps its pack and record; then they are laid on each other in order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/content_store.h"
#include "base/file_tree.h"
#include "base/reporter.h"
#include "ocilayout/byte_source.h"
#include "ocilayout/descriptor.h"
#include "ocilayout/layer.h"
#include "ocilayout/layer_record.h"
#include "ocilayout/layer_stack.h"
#include "ocilayout/owner.h"

namespace smith::ocilayout {

/// A blob, verified when it is read to its end. Called from any thread.
using OpenBlob = std::function<std::unique_ptr<ByteSource>(const Descriptor&)>;

struct StackedLayers {
    FileTree tree;  ///< origins name the layer: "layer 1 (sha256:0123456789ab)"
    std::shared_ptr<const Contents> contents;
    std::optional<Owner> owner;         ///< of every entry of every layer; nothing where they differ
    std::vector<Loss> losses;           ///< what was in the layers but can't be in a tree
    std::vector<std::string> warnings;  ///< the same, one sentence each
};

struct LayerOptions {
    unsigned jobs = 1;
    /// Does not trust packs that are there: what they hold was found to be damaged.
    bool reread = false;
};

/// `layers`: the lowest first. Throws Error: format; integrity, when a layer does not match its digest, size or
/// diff_id; whatever `open` throws. Each begins with the number of the layer.
[[nodiscard]] StackedLayers read_layers(std::span<const Layer> layers, const OpenBlob& open, const ContentStore& store,
                                        const LayerOptions& options, Reporter& reporter);

/// What a layer says, and those of its contents that were asked for.
struct GlancedLayer {
    /// Opens its record; as often as it is asked to.
    std::function<std::unique_ptr<LayerRecordReader>()> record;
    std::shared_ptr<const Pack> contents;  ///< null when the layer was not opened, or nothing was asked for
};

/// Reads a layer through once, verified as in read_layers(), and stores none of it but its record and, in a file
/// without a name, the contents of those entries that `keep` is true for (it is called with an entry's name and kind).
/// Opens no layer whose record is in the cache, unless `must_open`.
[[nodiscard]] GlancedLayer glance_at_layer(const Layer& layer, const OpenBlob& open, const ContentStore& store,
                                           const std::function<bool(const TarEntry&)>& keep, bool must_open);

/// "layer 3", of the layer at index 2: how they are called in messages.
[[nodiscard]] std::string layer_name(std::size_t index);

}  // namespace smith::ocilayout
