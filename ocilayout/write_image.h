// SPDX-License-Identifier: Apache-2.0
//
// Puts a finished image where a reference says. Nothing half-done is visible: a layout's index.json is replaced last,
// an archive gets its name when it is complete.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ocilayout/image.h"
#include "ocilayout/image_destination.h"
#include "ocilayout/layer_cache.h"
#include "ocilayout/reference.h"

namespace smith::ocilayout {

/// An image with all that belongs to it.
struct FinishedImage {
    Image image;
    std::vector<StoredLayer> layers;  ///< the blobs of image.layers, in the same order
    std::vector<Artifact> artifacts;
};

struct WriteOptions {
    std::vector<std::string> also_tags;  ///< of the same place, besides the destination's own
    /// The manifest in docker's words (docker_types.h), on which nothing can hang.
    bool docker_types = false;
};

/// Returns the manifest as it is there. Throws as the members of ImageDestination; usage also for docker's types where
/// they can't be.
Descriptor write_image(const FinishedImage& image, ImageDestination& destination, const WriteOptions& options = {});

/// `jobs`: threads for the compression around a .tar.gz. An existing layout keeps its other tags; an existing archive
/// is replaced. Throws Error: usage, for a transport that can't be written; system; integrity.
void write_image(const FinishedImage& image, const Reference& destination, unsigned jobs);

}  // namespace smith::ocilayout
