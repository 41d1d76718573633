// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ocilayout/image_files.h"
#include "ocilayout/image_source.h"

namespace smith::ocilayout {

/// The image that `reference` names in an OCI layout, as a directory or in an archive.
[[nodiscard]] std::unique_ptr<ImageSource> layout_source(std::unique_ptr<ImageFiles> files, const Reference& reference);

/// See list_tags().
[[nodiscard]] std::vector<std::string> layout_tags(const ImageFiles& files);

}  // namespace smith::ocilayout
