// SPDX-License-Identifier: Apache-2.0
//
// Finished layers, so that a warm build need neither read contents nor compress. An entry is found by layer_key() and
// compressor_id(); it consists of the blob and of a record that says what the blob is. Both appear whole or not at all.
// A record that is damaged counts as absent; a blob is held against its digest when its bytes are used, and only then:
// who builds what is in the output already reads none of them.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "ocilayout/layer.h"

namespace smith::ocilayout {

/// A layer and the file that its blob is in. Copies share the file, which may have lost its name meanwhile.
struct StoredLayer {
    Layer layer;
    std::shared_ptr<const UniqueFd> blob;
    std::string repository;  ///< where it is from (ImageSource::repository()); empty: from nowhere

    /// Gives all bytes of the blob to `out`; thread-safe, and repeatable. Throws Error: integrity, when they do not
    /// match `layer.digest` and `layer.size`.
    void copy_to(const Sink& out) const;
    /// False when copy_to() would throw.
    [[nodiscard]] bool is_intact() const;
};

class LayerCache {
public:
    /// Makes `directory` ("<cache>/layers") when it is first written to.
    explicit LayerCache(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// The layer of the tree that has this layer_key(); nothing when it is not there. Its bytes are not looked at.
    [[nodiscard]] std::optional<StoredLayer> find(const Digest& key) const;

    /// Writes the layer of this tree into the cache, in place of the one that is there, and returns it.
    /// Throws as write_layer(), and Error (system).
    [[nodiscard]] StoredLayer store(const FileTree& tree, Owner owner, const Contents& contents, unsigned jobs) const;

private:
    std::filesystem::path directory_;
};

}  // namespace smith::ocilayout
