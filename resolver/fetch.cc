// SPDX-License-Identifier: Apache-2.0
#include "resolver/fetch.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/bounds.h"
#include "base/error.h"
#include "base/parallel.h"
#include "resolver/download.h"
#include "resolver/mirrors.h"
#include "resolver/named_rpms.h"
#include "resolver/package_cache.h"
#include "resolver/package_start.h"

namespace smith::resolver {

namespace {

std::optional<LocalPackage> find_named(const PackageRef& ref, const std::vector<LocalRpm>& local_rpms,
                                       const PackageCache& cache, bool rehash) {
    for (const LocalRpm& local : local_rpms) {
        if (local.location != ref.location) continue;
        if (local.is_remote) return cache.find(ref, rehash);
        const Checksum found{"sha256", local.sha256.hex()};
        if (found != ref.checksum) {
            throw Error(ErrorKind::integrity, "local file " + quote(ref.location) + ": expected " + ref.checksum.str() +
                                                  ", got " + found.str() + "; 'smith update' takes it as it is now");
        }
        return LocalPackage{ref, local.sha256, local.file};
    }
    throw Error(ErrorKind::integrity, "package " + quote(ref.nevra.str()) + " is locked to the file " +
                                          quote(ref.location) + ", which the spec does not name");
}

Download download_of(const PackageRef& ref, const std::vector<RepoConfig>& repos, PackageMirrors& mirrors,
                     const FetchOptions& options, const PackageCache& cache) {
    if (ref.repo.empty()) return named_download(ref, options.named, cache);
    const auto repo =
        std::find_if(repos.begin(), repos.end(), [&](const auto& config) { return config.id == ref.repo; });
    if (repo == repos.end()) {
        throw Error(ErrorKind::fetch, "package " + quote(ref.nevra.str()) + " is from repository " + quote(ref.repo) +
                                          ", which is not configured");
    }
    check_location(ref.location);
    Download out;
    out.what = ref.nevra.str();
    for (const std::string& baseurl : mirrors.of(*repo)) out.urls.push_back(join_url(baseurl, ref.location));
    out.access = access_of(*repo);
    out.retries = retries_of(*repo);
    out.checksum = ref.checksum;
    out.size = ref.size;
    out.max_bytes = limits::kMaxRpmBytes;
    out.directory = cache.directory();
    out.name = PackageCache::name_of;
    out.start = cache.start_file(ref);
    // What a lock names, and its repository has no more, is the one failure that time brings to everybody.
    out.advice = "; 'smith update' takes what the repository has today, 'smith fetch --to' keeps what a lock names";
    return out;
}

// Held in memory, several at a time. The largest known headers, of kernels' sources and TeX, have 10 MiB.
constexpr std::uint64_t kMaxStartBytes = 16 * limits::kMiB;

/// Whether it makes sense to fetch the start of `ref` alone: it can be verified, named by SHA-256, and is not most of
/// it.
bool has_useful_start(const PackageRef& ref, const Keyrings& keyrings) {
    if (ref.repo.empty() || ref.checksum.algorithm != "sha256") return false;
    if (ref.header_end == 0 || ref.header_end > kMaxStartBytes || ref.header_end > ref.size / 2) return false;
    const auto keyring = keyrings.find(ref.repo);
    return ref.header || (keyring != keyrings.end() && keyring->second);
}

/// Fills in those of `found` whose start is enough, and can be had.
void fetch_package_starts(const std::vector<PackageRef>& packages, const std::vector<RepoConfig>& repos,
                          PackageMirrors& mirrors, const PackageCache& cache, const FetchOptions& options,
                          HttpClient& http, Reporter& reporter, std::vector<std::optional<LocalPackage>>& found) {
    const Keyrings& keyrings = *options.start_keyrings;
    std::vector<std::size_t> missing;
    std::vector<StartRequest> requests;
    for (std::size_t i = 0; i < packages.size(); ++i) {
        if (found[i] || !has_useful_start(packages[i], keyrings)) continue;
        if (!options.rehash) found[i] = cache.find_start(packages[i]);
        if (found[i]) continue;
        const Download whole = download_of(packages[i], repos, mirrors, options, cache);
        std::vector<std::string> urls = whole.urls;
        if (options.offline) std::erase_if(urls, [](const std::string& url) { return !local_path(url); });
        if (urls.empty()) continue;
        missing.push_back(i);
        requests.push_back({std::move(urls), whole.access, packages[i].header_end, packages[i].size});
    }
    const std::vector<std::optional<std::string>> starts = fetch_starts(requests, http, reporter);
    parallel_for(options.jobs, missing.size(), [&](std::size_t at) {
        if (!starts[at]) return;
        const std::size_t i = missing[at];
        try {
            found[i] = cache.store_start(packages[i], *starts[at], keyrings);
        } catch (const Error& e) {
            // Metadata that is wrong about where a header ends; or a wrong signature, which the whole package will have
            // as well.
            if (e.kind() != ErrorKind::integrity && e.kind() != ErrorKind::format) throw;
            reporter.debug(e.message());
        }
    });
}

}  // namespace

std::vector<LocalPackage> fetch_packages(const std::vector<PackageRef>& packages, const std::vector<RepoConfig>& repos,
                                         const std::vector<LocalRpm>& local_rpms, const FetchOptions& options,
                                         HttpClient& http, Reporter& reporter) {
    const PackageCache cache(options.cache_dir);
    PackageMirrors mirrors(http, options.offline, reporter);
    std::vector<std::optional<LocalPackage>> found(packages.size());
    parallel_for(options.jobs, packages.size(), [&](std::size_t i) {
        found[i] = packages[i].repo.empty() ? find_named(packages[i], local_rpms, cache, options.rehash)
                                            : cache.find(packages[i], options.rehash);
    });

    if (options.start_keyrings != nullptr) {
        fetch_package_starts(packages, repos, mirrors, cache, options, http, reporter, found);
    }

    std::vector<std::size_t> missing;
    std::vector<Download> downloads;
    for (std::size_t i = 0; i < packages.size(); ++i) {
        if (found[i]) continue;
        missing.push_back(i);
        downloads.push_back(download_of(packages[i], repos, mirrors, options, cache));
        const bool is_local = std::any_of(downloads.back().urls.begin(), downloads.back().urls.end(),
                                          [](const std::string& url) { return local_path(url).has_value(); });
        if (options.offline && !is_local) {
            throw Error(ErrorKind::fetch,
                        "package " + quote(packages[i].nevra.str()) +
                            " is not cached, and --offline forbids to fetch it; run 'smith fetch' first");
        }
    }
    const auto done = download_all(downloads, "packages", options.jobs, http, reporter);
    for (std::size_t at = 0; at < missing.size(); ++at) {
        const PackageRef& ref = packages[missing[at]];
        cache.link(ref.checksum, done[at].sha256);
        found[missing[at]] = LocalPackage{pinned(ref, done[at].sha256), done[at].sha256, done[at].file};
    }

    std::vector<LocalPackage> out;
    out.reserve(found.size());
    for (auto& package : found) out.push_back(std::move(*package));
    return out;
}

}  // namespace smith::resolver
