// SPDX-License-Identifier: Apache-2.0
//
// A file that a person named as a place to write to. It is replaced by a rename (AtomicFile), which knows neither
// links nor devices: `-o oci-archive:/dev/null`, run by root, would be the end of /dev/null.
#pragma once

#include <filesystem>

namespace smith {

/// What opening `path` for writing would write to: where its links lead, also when nothing is there yet.
/// Throws Error (system) when a directory, a device or another thing that is no regular file is there; when its links
/// lead in a circle.
[[nodiscard]] std::filesystem::path output_file(const std::filesystem::path& path);

}  // namespace smith
