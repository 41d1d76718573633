// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>

#include "ocilayout/tar_writer.h"

namespace smith::ocilayout {

/// Lets `write_members` write a tar to `file`, by way of gzip when its name ends in .gz or .tgz, and gives it its name
/// when it is complete. Folders on the way are made. Throws Error (system), and what `write_members` throws.
void write_archive_file(const std::filesystem::path& file, unsigned jobs,
                        const std::function<void(TarWriter&)>& write_members);

}  // namespace smith::ocilayout
