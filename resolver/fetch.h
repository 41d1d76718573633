// SPDX-License-Identifier: Apache-2.0
//
// Packages onto this machine. In the cache a package is called by its SHA-256; nothing but verified bytes ever gets
// such a name, so a package that is there needs no network, and no lock needs metadata.
#pragma once

#include <filesystem>
#include <vector>

#include "base/digest.h"
#include "base/http.h"
#include "base/reporter.h"
#include "resolver/keyring.h"
#include "resolver/package_ref.h"
#include "resolver/repo_config.h"
#include "resolver/solve.h"

namespace smith::resolver {

struct FetchOptions {
    std::filesystem::path cache_dir;  ///< the whole cache's; packages are kept in rpms/ below it
    bool offline = false;
    /// Hash what is in the cache already, and replace what is damaged. Without it a cached package is trusted by name
    /// and size; reading it verifies header and files anyway, and whoever gets an Error (integrity) tries again with
    /// it.
    bool rehash = false;
    unsigned jobs = 4;
    /// Not null: of a package that is not in the cache, what lies before its payload is enough, where that can be had
    /// alone and verified: see fetch_packages(). These are its repository's keys.
    const Keyrings* start_keyrings = nullptr;
    /// How packages are reached that are named by URL: what a repository would say of itself. With a baseurl, they
    /// are all there, each called by its SHA-256.
    RepoConfig named;
};

struct LocalPackage {
    PackageRef ref;  ///< as asked for, but with a checksum that is a strong one
    Digest sha256;   ///< of the file: what the content store knows its pack by
    std::filesystem::path file;
    bool is_whole = true;  ///< false: `file` ends where the payload starts
};

/// All of `packages`, in their order; those without a repository are looked up in `local_rpms`. `repos` says where
/// repositories are: their metadata is not needed. Throws Error: fetch, integrity.
///
/// The checksum of a package says nothing about its start. So a start is fetched alone only where the repository's keys
/// can verify the header's signature, or the lock knows the header itself; and the whole package is, where the server
/// knows no ranges, or the start is most of it.
[[nodiscard]] std::vector<LocalPackage> fetch_packages(const std::vector<PackageRef>& packages,
                                                       const std::vector<RepoConfig>& repos,
                                                       const std::vector<LocalRpm>& local_rpms,
                                                       const FetchOptions& options, HttpClient& http,
                                                       Reporter& reporter);

}  // namespace smith::resolver
