// SPDX-License-Identifier: Apache-2.0
//
// What was decided, so that the next build decides nothing. The format is documented in docs/lock.md; lock.cc writes
// and reads it, tests/unit/resolver/lock_test.cc holds the two together.
#pragma once

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
    auto operator<=>(const LockedRepo&) const = default;
};

/// The image that came of it.
struct LockedImage {
    Digest diff_id;
    Digest manifest;
    bool operator==(const LockedImage&) const = default;
};

struct Lock {
    int schema = 1;
    Digest request;  ///< request_digest() of what was asked for; another one means that the lock is stale
    std::string arch;
    std::vector<LockedRepo> repos;     ///< sorted by id
    std::vector<PackageRef> packages;  ///< sorted; every checksum is a strong one
    std::string compressor;            ///< name and version of what compressed the layer; empty before the first build
    std::optional<LockedImage> image;

    bool operator==(const Lock&) const = default;
};

/// The one spelling of `lock`: JSON, sorted, one package a line. Throws Error (format) for what parse_lock would
/// refuse.
[[nodiscard]] std::string print_lock(const Lock& lock);

/// Inverse of print_lock; the order of keys, repositories and packages in `text` does not matter. Throws Error (format)
/// for a newer schema, an unknown key, a location that leaves its repository, a weak checksum, a package twice.
[[nodiscard]] Lock parse_lock(std::string_view text);

}  // namespace smith::resolver
