// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "ocilayout/image_source.h"

namespace smith::ocilayout {

/// The image of a source that keeps no manifests (ImageSource::makes_up_manifests), as one that does would have it: its
/// layers compressed, by smith's own compressor, so that the same files give the same digest. Reads all layers, and
/// writes them to files without a name. Throws as the members of ImageSource.
[[nodiscard]] std::unique_ptr<ImageSource> recompressed_source(ImageSource& source, unsigned jobs);

}  // namespace smith::ocilayout
