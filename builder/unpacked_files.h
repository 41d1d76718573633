// SPDX-License-Identifier: Apache-2.0
//
// Which file of a package holds which bytes, for packages whose headers don't say it by SHA-256 (RHEL 5 and some
// vendors still use MD5). Only unpacking tells, so what it told is kept beside the package's pack: `packs/<sha256 of
// the .rpm>.files`, one line for each file of the header, "<sha256> <size>" or "-", and the SHA-256 of all these lines
// as the last one.
#pragma once

#include <optional>
#include <vector>

#include "base/content_store.h"
#include "resolver/fetch.h"
#include "resolver/rpm_package.h"

namespace smith::builder {

using FileContents = std::vector<std::optional<Content>>;

/// What was kept about the files of `header`; nothing when it is not there, damaged, or about other files.
[[nodiscard]] std::optional<FileContents> find_unpacked_files(const Digest& package, const resolver::RpmHeader& header,
                                                              const ContentStore& store);

/// Unpacks `package` into its pack, and keeps what that told. Throws Error as unpack_rpm().
[[nodiscard]] FileContents unpack_files(const resolver::LocalPackage& package, const resolver::RpmHeader& header,
                                        const ContentStore& store);

}  // namespace smith::builder
