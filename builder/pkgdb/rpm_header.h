// SPDX-License-Identifier: Apache-2.0
//
// The header of an installed package as the rpm database keeps it: no magic, no signature, nothing but the index and
// the store (rpm, docs/manual/hregions.md). For names, not for trust: what is downloaded goes through librpm.
#pragma once

#include <cstddef>
#include <span>

#include "builder/pkgdb/package.h"

namespace smith::pkgdb {

/// Throws Error (format).
[[nodiscard]] Package read_rpm_header(std::span<const std::byte> blob);

}  // namespace smith::pkgdb
