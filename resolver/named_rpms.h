// SPDX-License-Identifier: Apache-2.0
//
// Packages that a spec names by URL, into the cache: by checksum where somebody knows it (the lock, the URL itself),
// else whatever the server has, under the name of what it is. What a URL was is remembered, and asked about, not
// fetched again, while the server says that it still is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/http.h"
#include "base/reporter.h"
#include "resolver/download.h"
#include "resolver/fetch.h"
#include "resolver/package_cache.h"
#include "resolver/package_ref.h"
#include "resolver/solve.h"

namespace smith::resolver {

/// Fills in file, SHA-256 and size of those of `rpms` that are remote. Those among `keep`, which a lock has, are
/// fetched as they were. Throws Error: fetch, integrity (also for what is no RPM package).
void fetch_named_rpms(std::vector<LocalRpm>& rpms, const std::vector<PackageRef>& keep, const FetchOptions& options,
                      HttpClient& http, Reporter& reporter);

/// Of a package that a lock has by `ref.location`, an http or https URL.
[[nodiscard]] Download named_download(const PackageRef& ref, const RepoConfig& named, const PackageCache& cache);

}  // namespace smith::resolver
