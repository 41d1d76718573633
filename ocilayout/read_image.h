// SPDX-License-Identifier: Apache-2.0
//
// The way back: an image, wherever it is and whoever wrote it, becomes a FileTree. Everything is hostile until
// its digest is checked, and bounded even then (bounds.h). Nothing is extracted: names in a layer never become names on
// the host, and contents go into a pack of the content store.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/content_store.h"
#include "base/file_tree.h"
#include "base/reporter.h"
#include "ocilayout/image.h"
#include "ocilayout/image_source.h"
#include "ocilayout/reference.h"

namespace smith::ocilayout {

/// All of an image but its files; what `smith inspect` needs.
struct ImageHead {
    std::string tag;  ///< as index.json has it; may be empty
    Descriptor manifest_desc;
    std::string manifest;     ///< JSON, verified
    std::string config_text;  ///< JSON, verified
    ImageConfig config;
    Annotations annotations;
    std::vector<Layer> layers;  ///< the lowest first; not read yet
    /// What hangs on the image by `subject`, and what Oracle's Smith put beside it.
    std::vector<Artifact> artifacts;
    /// Artifacts that could not be read. One sentence each.
    std::vector<std::string> warnings;
};

struct LoadedImage {
    ImageHead head;
    FileTree tree;  ///< origins name the layer: "layer 1 (sha256:0123456789ab)"
    std::shared_ptr<const Contents> contents;
    /// The owner of every entry of every layer; nothing where they differ.
    std::optional<Owner> owner;
    /// What was in the layers but can't be in a tree: devices, setuid bits, capabilities. One sentence each.
    std::vector<std::string> warnings;
};

struct ReadOptions {
    /// Which manifest of a multi-platform index to take.
    Platform platform = host_platform();
    /// False: ImageHead::artifacts stays empty, and a registry is asked less.
    bool artifacts = true;
    /// The manifest to take, whatever the reference names by now.
    std::optional<Descriptor> pinned;
    /// Unpacks layers anew: what the cache has of them was found to be damaged.
    bool reread = false;
    TransportOptions transport;  ///< `jobs`: also, how many layers are unpacked at the same time
};

/// Without a tag in `source`: the only image there is, else the one tagged "latest".
/// Throws Error: usage, when there is no such image or a transport can't be read; integrity, for a blob that does not
/// match its digest or size; format; system.
[[nodiscard]] ImageHead load_image_head(const Reference& source, const ReadOptions& options = {});
/// Likewise, of a source that is open. `options.transport` is not looked at.
[[nodiscard]] ImageHead load_image_head(ImageSource& source, const ReadOptions& options = {});

/// As load_image_head, and applies the layers. Each of them becomes one pack of `store`, with a record of its entries;
/// a layer of which the store has both is not read again. Throws also Error (integrity) when a layer does not match the
/// diff_id in the configuration.
[[nodiscard]] LoadedImage load_image(const Reference& source, const ContentStore& store, Reporter& reporter,
                                     const ReadOptions& options = {});
[[nodiscard]] LoadedImage load_image(ImageSource& source, const ContentStore& store, Reporter& reporter,
                                     const ReadOptions& options = {});

}  // namespace smith::ocilayout
