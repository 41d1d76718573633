// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "ocilayout/byte_source.h"

namespace smith::ocilayout {

/// One thing in which two tars differ.
struct TarDifference {
    std::string what;  ///< "entry 'etc/motd', mtime"
    std::string want;  ///< what the first one has
    std::string got;   ///< what the second one has
};

/// Entries that one of them lacks, whose bytes differ, whose headers differ (field by field), and that stand in another
/// order; the first dozens. Empty for tars of the same bytes. Throws Error (format) for what is no tar.
[[nodiscard]] std::vector<TarDifference> compare_tars(ByteSource& want, ByteSource& got);

}  // namespace smith::ocilayout
