// SPDX-License-Identifier: Apache-2.0
//
// An OCI layout as one tar file (containers-transports(5), "oci-archive"), the same bytes every time: what must be read
// first stands first, so that a reader can stream.
#pragma once

#include <filesystem>
#include <string_view>

#include "ocilayout/write_image.h"

namespace smith::ocilayout {

/// Compressed when `file` ends in .gz or .tgz. Replaces `file` when the archive is complete. Throws Error (system).
void write_archive(const FinishedImage& image, const std::filesystem::path& file, std::string_view tag, unsigned jobs);

}  // namespace smith::ocilayout
