// SPDX-License-Identifier: Apache-2.0
//
// Lays packages over each other as rpm would, by their headers alone: the tree of everything that is available. What a
// microcontainer can't carry (devices, setuid bits, capabilities, owners) is left out here and noted.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/file_tree.h"
#include "resolver/rpm_package.h"

namespace smith::builder {

/// A package's files with the content of each, in the order of its header.
struct PackageFiles {
    std::string name;  ///< NEVRA; becomes the origin of its entries
    std::vector<resolver::RpmFile> files;
    /// One for each of `files`: what a regular file holds. Empty for everything else and for what is not in the
    /// payload.
    std::vector<std::optional<Content>> contents;
};

/// The contents of `header`'s files as far as the header tells them: all, when its digests are SHA-256; else nothing,
/// and the package must be unpacked to know them.
[[nodiscard]] std::optional<std::vector<std::optional<Content>>> contents_by_header(const resolver::RpmHeader& header);

struct MergedPackages {
    FileTree tree;
    /// What was lost, by path: "setuid bit dropped", "character device left out". For a report about what ships.
    std::map<ImagePath, std::vector<std::string>> notes;
};

/// The result does not depend on the order of `packages`:
/// - Files below a directory that any package makes a link land where the link points (EL's `filesystem`, /lib64). So
///   does the directory itself, should nothing be there.
/// - Equal files and links at one path are one. Of two ELF files of different colour the 64-bit one stays, as rpm's
///   transactions choose on a 64-bit system. Ghosts give way to everything.
/// - Anything else at one path is a conflict.
/// Throws Error (resolve) naming every conflict with both packages; (format) for what no file system could hold.
[[nodiscard]] MergedPackages merge_packages(std::span<const PackageFiles> packages);

}  // namespace smith::builder
