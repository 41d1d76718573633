// SPDX-License-Identifier: Apache-2.0
//
// From a lock to the files of its packages: their headers fetched, verified, read and merged, nothing unpacked yet.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/content_store.h"
#include "base/http.h"
#include "builder/lazy_contents.h"
#include "builder/local_packages.h"
#include "builder/package_tree.h"
#include "builder/project.h"
#include "resolver/fetch.h"
#include "resolver/keyring.h"
#include "resolver/lock.h"
#include "resolver/repository.h"
#include "resolver/solve.h"

namespace smith::builder {

/// Everything the spec asks for, `mock.deps` first, as Oracle's Smith did.
[[nodiscard]] std::vector<std::string> requested_packages(const Project& project);
/// True for a request that names a file: "./x.rpm", "x.rpm", "/srv/x.rpm", "https://host/x.rpm".
[[nodiscard]] bool names_rpm(std::string_view request);

/// What the solver is asked, once fetch_named_rpms() has seen to its remote packages. Hashes local ones. Throws Error:
/// system, integrity.
[[nodiscard]] resolver::Request make_request(const Project& project);
/// How packages are fetched.
[[nodiscard]] resolver::FetchOptions fetch_options(const Project& project, const Environment& environment);
/// The part of it that decides which packages there are: what questions about repositories need.
[[nodiscard]] resolver::Request package_choice(const Project& project);
/// Which metadata will do: that of `held`, the lock that stands, is not to be fallen behind.
[[nodiscard]] resolver::MetadataOptions metadata_options(const Environment& environment,
                                                         const std::optional<resolver::Lock>& held);

void write_lock(const Project& project, const resolver::Lock& lock);

/// The .rpm files that the spec names, by path or URL. Hashes those of this machine. Throws Error: system, integrity.
[[nodiscard]] std::vector<resolver::LocalRpm> local_rpms_of(const Project& project);

/// One package as the rest of the pipeline sees it.
struct PackageInfo {
    resolver::PackageRef ref;
    resolver::RpmHeader header;  ///< without its `files`: they are in the tree
    bool asked_for = false;      ///< the spec names it, as opposed to what it drew in
};

struct AvailablePackages {
    MergedPackages merged;  ///< origins are NEVRAs
    std::shared_ptr<LocalPackages> local;
    std::unique_ptr<LazyContents> contents;
    std::vector<PackageInfo> packages;  ///< in the lock's order
};

/// Throws Error: fetch, integrity, resolve (conflicts of files).
[[nodiscard]] AvailablePackages open_packages(const Project& project, const resolver::Lock& lock,
                                              const ContentStore& store, const Environment& environment, bool rehash,
                                              Reporter& reporter);

/// Whether `request`, as a spec spells it, means the package of this header: its name, name.arch, any cut of its NEVRA,
/// a glob of these, something it provides, a file it has.
[[nodiscard]] bool answers_request(const resolver::RpmHeader& header, std::string_view request);

}  // namespace smith::builder
