// SPDX-License-Identifier: Apache-2.0
//
// An image as files in a directory: manifest.json to the byte, and each blob under the digits of its digest
// (containers-transports(5), "dir"; the form is that of containers/image's directory transport). It keeps everything as
// it was, and says little; good for looking at.
#pragma once

#include <memory>

#include "ocilayout/image_destination.h"
#include "ocilayout/image_source.h"

namespace smith::ocilayout {

[[nodiscard]] std::unique_ptr<ImageSource> dir_source(const Reference& source);

/// What the directory held before is replaced: the new manifest.json is what the new image begins with. Throws Error
/// (usage) when it holds something that is no such image.
[[nodiscard]] std::unique_ptr<ImageDestination> dir_destination(const Reference& destination);

}  // namespace smith::ocilayout
