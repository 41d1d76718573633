// SPDX-License-Identifier: Apache-2.0
//
// Finished layers, so that a warm build need neither read contents nor compress. An entry is found by layer_key() and
// compressor_id(); it consists of the blob and of a record that says what the blob is. Both appear whole or not at all,
// and are verified before they are used: what is damaged counts as absent and is replaced.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/fd.h"
#include "ocilayout/layer.h"

namespace smith::ocilayout {

/// A layer and the file that its blob is in. Copies share the file, which may have lost its name meanwhile.
struct StoredLayer {
    Layer layer;
    std::shared_ptr<const UniqueFd> blob;

    /// Gives all bytes of the blob to `out`; thread-safe, and repeatable. Throws Error: integrity, when they do not
    /// match `layer.digest` and `layer.size`.
    void copy_to(const Sink& out) const;
};

class LayerCache {
public:
    /// Makes `directory` ("<cache>/layers") when it is first written to.
    explicit LayerCache(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// The layer of this tree, verified; nothing when it is not there or damaged.
    [[nodiscard]] std::optional<StoredLayer> find(const FileTree& tree, Owner owner) const;

    /// Writes the layer of this tree into the cache, and returns it. Throws as write_layer(), and Error (system).
    [[nodiscard]] StoredLayer store(const FileTree& tree, Owner owner, const Contents& contents, unsigned jobs) const;

private:
    std::filesystem::path directory_;
};

/// find(), else store(): what a build calls.
[[nodiscard]] StoredLayer make_layer(const LayerCache& cache, const FileTree& tree, Owner owner,
                                     const Contents& contents, unsigned jobs);

}  // namespace smith::ocilayout
