// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "ocilayout/byte_source.h"
#include "ocilayout/image.h"

namespace smith::ocilayout {

struct LayerFault {
    std::string what;  ///< "entry 'etc/passwd'"
    std::string want, got;
};

/// In what a layer, uncompressed, is not as smith writes its own (docs/image-format.md): order, owner, modes, kinds,
/// attributes, times and names in headers, and the directories that every microcontainer has. At most some dozen: the
/// first ones say what happened. Throws Error (format) for what is no tar.
[[nodiscard]] std::vector<LayerFault> find_layer_faults(ByteSource& tar, const ImageConfig& config);

}  // namespace smith::ocilayout
