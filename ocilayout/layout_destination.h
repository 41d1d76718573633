// SPDX-License-Identifier: Apache-2.0
//
// An OCI layout directory (image-spec image-layout.md), written so that whoever looks sees the old image or the new
// one: blobs first, each under its digest when it is complete; then index.json, replaced by rename.
#pragma once

#include <memory>
#include <string_view>

#include "ocilayout/image_destination.h"

namespace smith::ocilayout {

/// The contents of the file `oci-layout`, to the byte: readers of old compare it as text.
inline constexpr std::string_view kLayoutFile = R"({"imageLayoutVersion": "1.0.0"})";

/// A tag takes the place of the image that bears it; other tags stay. The layout is made when there is none. Blobs that
/// only a replaced image used are removed. Other writers wait meanwhile (flock), from here to the end of the object.
/// Throws Error: system; usage, when the directory holds something that is not a layout.
[[nodiscard]] std::unique_ptr<ImageDestination> layout_destination(const Reference& destination);

}  // namespace smith::ocilayout
