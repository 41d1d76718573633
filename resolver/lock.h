// SPDX-License-Identifier: Apache-2.0
//
// What was decided, so that the next build decides nothing. The format is documented in docs/lock.md; lock.cc writes
// and reads it, tests/unit/resolver/lock_test.cc holds the two together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "resolver/package_ref.h"

namespace smith::resolver {

/// A repository as it was when the packages were chosen. No URL: where a repository is may differ between machines.
struct LockedRepo {
    std::string id;
    Digest repomd;         ///< of its repomd.xml
    bool gpgcheck = true;  ///< false records that nobody asked for signatures
    /// When its repomd.xml was made, in seconds since 1970; nothing when it does not say. A later one is not older:
    /// freshness.h.
    std::optional<std::uint64_t> timestamp;
    auto operator<=>(const LockedRepo&) const = default;
};

/// The image that came of it.
struct LockedImage {
    Digest diff_id;
    Digest manifest;
    bool operator==(const LockedImage&) const = default;
};

/// An image that the build takes from, or stands on: one manifest, whatever its tag names later.
struct LockedSource {
    std::string name;        ///< as the spec spells it, without user and password
    std::string platform;    ///< "linux/amd64", of the image itself
    std::string media_type;  ///< of the manifest
    std::uint64_t size = 0;  ///< likewise, in bytes
    Digest manifest;
    auto operator<=>(const LockedSource&) const = default;
};

/// Package `package` is there because `request` asks for it.
struct LockedRequest {
    std::string request;  ///< as the spec spells it
    std::string package;  ///< NAME.ARCH
    auto operator<=>(const LockedRequest&) const = default;
};

/// `needer` requires `dependency`, and `provider` has it. Of all that one package requires of another, one.
struct LockedRequirement {
    std::string needer;    ///< NAME.ARCH
    std::string provider;  ///< NAME.ARCH
    std::string dependency;
    auto operator<=>(const LockedRequirement&) const = default;
};

struct Lock {
    int schema = 1;
    Digest request;  ///< request_digest() of what was asked for; another one means that the lock is stale
    std::string arch;
    std::vector<LockedRepo> repos;     ///< sorted by id
    std::vector<std::string> modules;  ///< "nodejs:18": the streams that packages are of; sorted
    std::vector<PackageRef> packages;  ///< sorted; every checksum is a strong one
    /// Why they are there; sorted, and empty in a lock of a smith that did not remember it. Nothing is built from them.
    std::vector<LockedRequest> asked;
    std::vector<LockedRequirement> requirements;
    std::optional<LockedSource> source;  ///< the image that is taken from; then there are no packages
    std::optional<LockedSource> parent;  ///< the image whose layers stay below
    std::string compressor;  ///< name and version of what compressed the layer; empty before the first build
    std::optional<LockedImage> image;
    std::vector<std::string> ships;  ///< NAME.ARCH of the packages that have files in the image; sorted

    bool operator==(const Lock&) const = default;
};

/// The one spelling of `lock`: JSON, sorted, one package a line. Throws Error (format) for what parse_lock would
/// refuse.
[[nodiscard]] std::string print_lock(const Lock& lock);

/// Inverse of print_lock; the order of keys, repositories and packages in `text` does not matter. Throws Error (format)
/// for a newer schema, an unknown key, a location that leaves its repository, a weak checksum, a package twice,
/// a requirement of a package that is not there.
[[nodiscard]] Lock parse_lock(std::string_view text);

}  // namespace smith::resolver
