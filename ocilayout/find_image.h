// SPDX-License-Identifier: Apache-2.0
//
// Which manifest is meant: by tag, and by platform where an index stands between.
#pragma once

#include <string>

#include "ocilayout/image.h"
#include "ocilayout/image_source.h"

namespace smith::ocilayout {

/// `tag` as in load_image_head(). Of index.json the entry is returned, as it stands there; it may be an index.
/// Throws Error: usage, when there is no such image; format.
[[nodiscard]] Descriptor choose_entry(const ParsedIndex& index, const std::string& tag);

/// The manifest that `top` is, or leads to. Throws Error: usage, when there is none for `platform`; format; what
/// `source` throws.
[[nodiscard]] RawManifest resolve_to_manifest(ImageSource& source, RawManifest top, const Platform& platform);

/// False for what only hangs on an image: attached artifacts, and what Oracle's Smith listed as if they were manifests.
[[nodiscard]] bool can_be_an_image(const Descriptor& entry);

/// The annotation org.opencontainers.image.ref.name; empty when it has none.
[[nodiscard]] std::string tag_of(const Descriptor& entry);

}  // namespace smith::ocilayout
