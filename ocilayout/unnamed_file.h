// SPDX-License-Identifier: Apache-2.0
//
// Files without a name, for what must be written down before it can be used, and goes with this process.
#pragma once

#include <cstdint>
#include <utility>

#include "ocilayout/byte_source.h"

namespace smith::ocilayout {

/// In $TMPDIR. Throws Error (system).
[[nodiscard]] UniqueFd unnamed_file();

/// `source` to its end, in such a file, and its size. Throws Error (format) when it is more than kMaxArchiveBytes.
[[nodiscard]] std::pair<SharedFd, std::uint64_t> spool(ByteSource& source);

}  // namespace smith::ocilayout
