// SPDX-License-Identifier: Apache-2.0
//
// The two documents that say where a repository is mirrored. A metalink (version 3, as MirrorManager writes it, and RFC
// 5854) also says what its repomd.xml is: the mirrors need not be trusted then. A mirrorlist is a text of URLs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "resolver/repo_config.h"

namespace smith::resolver {

/// Whether a list may name file:// URLs: only one that is itself a file. From a server they would read our disk.
enum class ListOrigin { local, remote };

/// A repomd.xml that a metalink vouches for.
struct KnownRepomd {
    std::optional<std::uint64_t> size;
    std::vector<Checksum> checksums;  ///< strong ones, at least one; all must hold
    bool operator==(const KnownRepomd&) const = default;
};

struct Metalink {
    std::vector<KnownRepomd> repomds;   ///< the current one, and earlier ones that mirrors may still have
    std::vector<std::string> baseurls;  ///< http, https (and file); the preferred ones first; each ends in '/'
};

/// Reads a metalink whose file is repomd.xml. URLs of other schemes are left out. Throws Error (format), also when it
/// has no checksum that holds, or no URL that can be used.
[[nodiscard]] Metalink parse_metalink(std::string_view xml, ListOrigin origin);

/// Throws Error (integrity) unless `repomd` is one that `metalink` vouches for.
void check_repomd(const Metalink& metalink, std::string_view repomd);

/// The baseurls of a mirrorlist, in its order: one a line, with yum's variables and '#' comments; each ends in '/'.
/// Throws Error (format) when there is none.
[[nodiscard]] std::vector<std::string> parse_mirrorlist(std::string_view text, const RepoVars& vars, ListOrigin origin);

}  // namespace smith::resolver
