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

/// Also under other tags of the same place. Throws as the members of ImageDestination.
void write_image(const FinishedImage& image, ImageDestination& destination, std::span<const std::string> also_tags);

/// `jobs`: threads for the compression around a .tar.gz. An existing layout keeps its other tags; an existing archive
/// is replaced. Throws Error: usage, for a transport that can't be written; system; integrity.
void write_image(const FinishedImage& image, const Reference& destination, unsigned jobs);

}  // namespace smith::ocilayout
