// SPDX-License-Identifier: Apache-2.0
//
// The databases that are text: dpkg's status and file lists, and apk's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "builder/pkgdb/package.h"

namespace smith::pkgdb {

/// A paragraph of dpkg's status (deb822(5)), with what it takes to find its file list.
struct DpkgEntry {
    Package package;
    bool is_installed = false;
    bool is_multi_arch_same = false;  ///< its list may be called NAME:ARCH.list
};

/// The packages of /var/lib/dpkg/status, or the one of a file in status.d, where a missing `Status` means installed.
/// Lines that make no sense are passed over. Throws Error (format) for too many packages.
[[nodiscard]] std::vector<DpkgEntry> read_dpkg_status(std::string_view text, bool installed_by_default);

/// Of info/NAME.list: a path a line.
[[nodiscard]] std::vector<std::string> read_dpkg_list(std::string_view text);
/// Of status.d/NAME.md5sums: a digest and a relative path a line.
[[nodiscard]] std::vector<std::string> read_dpkg_md5sums(std::string_view text);

/// The packages of /lib/apk/db/installed (apk-installed(5)). Likewise.
void read_apk_installed(std::string_view text, const FoundPackage& found);

}  // namespace smith::pkgdb
