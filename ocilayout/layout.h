// SPDX-License-Identifier: Apache-2.0
//
// An OCI layout directory (image-spec image-layout.md), written so that whoever looks sees the old image or the new
// one: blobs first, each under its digest when it is complete; then index.json, replaced by rename.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ocilayout/write_image.h"

namespace smith::ocilayout {

/// The contents of the file `oci-layout`, to the byte: readers of old compare it as text.
inline constexpr std::string_view kLayoutFile = R"({"imageLayoutVersion": "1.0.0"})";

/// What a layout or an archive holds for one image.
struct LayoutParts {
    std::vector<SmallBlob> blobs;  ///< manifest, configuration, referrers; each digest once, in order of digest
    Descriptor entry;              ///< for index.json: the manifest, its tag, and where its referrers are
};
[[nodiscard]] LayoutParts layout_parts(const FinishedImage& image, std::string_view tag);

/// Adds `image` to the layout in `directory` as `tag`, in place of the one that bears the tag; makes the layout when
/// there is none. Blobs that only the replaced image used are removed. Other writers wait meanwhile (flock).
/// Throws Error: system; usage, when `directory` holds something that is not a layout.
void write_layout(const FinishedImage& image, const std::filesystem::path& directory, std::string_view tag);

}  // namespace smith::ocilayout
