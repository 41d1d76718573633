// SPDX-License-Identifier: Apache-2.0
//
// Packages in the cache: `<sha256>.rpm`, and for those that are known by another checksum a link to it, such as
// `sha512-<hex>`. A start, up to the payload, lies beside its package's place as `<sha256>.start`. Internal to
// fetching.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "resolver/fetch.h"
#include "resolver/keyring.h"
#include "resolver/package_ref.h"

namespace smith::resolver {

class PackageCache {
public:
    /// `cache_dir` is the whole cache's; makes what is needed in it.
    explicit PackageCache(const std::filesystem::path& cache_dir);

    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
    /// What the package with this SHA-256 is called in directory().
    [[nodiscard]] static std::string name_of(const Digest& sha256);

    /// `rehash`: only if its bytes are still the right ones.
    [[nodiscard]] std::optional<LocalPackage> find(const PackageRef& ref, bool rehash) const;
    /// Whoever reads the start of a package verifies it.
    [[nodiscard]] std::optional<LocalPackage> find_start(const PackageRef& ref) const;
    /// Throws Error (integrity) when `bytes` are not the start of `ref`.
    LocalPackage store_start(const PackageRef& ref, std::string_view bytes, const Keyrings& keyrings) const;
    /// Remembers under which other checksum `digest` is known.
    void link(const Checksum& checksum, const Digest& digest) const;

    [[nodiscard]] std::filesystem::path start_file(const PackageRef& ref) const;

private:
    [[nodiscard]] LocalPackage start_of(const PackageRef& ref) const;
    [[nodiscard]] std::optional<Digest> digest_of(const Checksum& checksum) const;

    std::filesystem::path directory_;
};

/// A lock wants a strong checksum: what came with a weaker one is pinned by what it turned out to be.
[[nodiscard]] PackageRef pinned(PackageRef ref, const Digest& digest);

}  // namespace smith::resolver
