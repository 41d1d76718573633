// SPDX-License-Identifier: Apache-2.0
//
// One package, as much as it takes to fetch it and to know that it is the right one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "resolver/nevra.h"

namespace smith::resolver {

struct PackageRef {
    Nevra nevra;
    std::string repo;      ///< the repository's id; empty for a local .rpm
    std::string location;  ///< relative to the repository's baseurl; for a local .rpm as the spec spells it
    Checksum checksum;     ///< of the whole .rpm
    std::uint64_t size = 0;
    /// Bytes from the file's start to the end of its header (header-range in primary.xml): what must be fetched to know
    /// everything but the contents of files. 0: not known.
    std::uint64_t header_end = 0;
    /// digest_header() of the package, once its header was read, verified, and found to bear out what metadata said.
    std::optional<Digest> header;

    auto operator<=>(const PackageRef&) const = default;
};

/// Throws Error (format) unless `location` stays below the base it is read against: it is relative, has no scheme and
/// no "..", neither plain nor percent-encoded, and no control bytes (librepo CVE-2020-14352).
void check_location(std::string_view location);

/// A checksum as repomd.xml and primary.xml write it ("sha" is yum's old name for sha1). Throws Error (format) for an
/// unknown algorithm, and for digits that are not lower-case hexadecimal or not as many as the algorithm has.
[[nodiscard]] Checksum make_checksum(std::string_view algorithm, std::string_view hex);

/// True for algorithms that still hold where somebody may have chosen the bytes: sha256, sha384, sha512.
[[nodiscard]] bool is_strong(const Checksum& checksum);

}  // namespace smith::resolver
