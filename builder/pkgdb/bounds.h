// SPDX-License-Identifier: Apache-2.0
//
// The bounds on package databases of strangers, as base/bounds.h has them for everybody.
#pragma once

#include "base/bounds.h"

namespace smith::pkgdb::limits {

using namespace smith::limits;

// A desktop with everything has some 5,000.
inline constexpr std::size_t kMaxImagePackages = 100'000;
// rpmdb.sqlite of such a desktop has 300 MiB, dpkg's status 10 MiB.
inline constexpr std::uint64_t kMaxDatabaseBytes = 2 * kGiB;
// The header of a package with 100,000 files (a kernel's debuginfo) has 30 MiB.
inline constexpr std::uint64_t kMaxHeaderBlobBytes = 256 * kMiB;
// A B-tree of 2^32 pages is four or five deep.
inline constexpr int kMaxTreeDepth = 20;

}  // namespace smith::pkgdb::limits
