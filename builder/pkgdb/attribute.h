// SPDX-License-Identifier: Apache-2.0
//
// Which package each file of an image is from, by the databases that the image itself brings.
#pragma once

#include <vector>

#include "base/contents.h"
#include "base/file_tree.h"
#include "base/reporter.h"
#include "builder/pkgdb/package.h"

namespace smith::pkgdb {

/// Reads dpkg's (also distroless' status.d), apk's and rpm's databases out of `tree`, and makes the packages' ids the
/// origins of the files and links that they say are theirs. Names are resolved as the package manager's would have
/// been: /lib/x is /usr/lib/x where /lib is a link. Two packages that claim one file: the later one of the database.
///
/// Returns the packages without their files. A database that can't be read is a warning.
[[nodiscard]] std::vector<Package> attribute_files(FileTree& tree, const Contents& contents, Reporter& reporter);

}  // namespace smith::pkgdb
