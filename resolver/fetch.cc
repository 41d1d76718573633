// SPDX-License-Identifier: Apache-2.0
#include "resolver/fetch.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/parallel.h"
#include "resolver/download.h"

namespace smith::resolver {

namespace {

namespace fs = std::filesystem;

std::string cache_name(const Digest& digest) { return digest.hex() + ".rpm"; }

/// Packages in the cache: `<sha256>.rpm`, and for those that are known by another checksum a link to it, such as
/// `sha512-<hex>`.
class PackageCache {
public:
    explicit PackageCache(const fs::path& cache_dir) : directory_(cache_dir / "rpms") {
        fs::create_directories(directory_);
    }

    [[nodiscard]] const fs::path& directory() const { return directory_; }

    [[nodiscard]] std::optional<LocalPackage> find(const PackageRef& ref, bool rehash) const {
        const std::optional<Digest> digest = digest_of(ref.checksum);
        if (!digest) return std::nullopt;
        const fs::path file = directory_ / cache_name(*digest);
        std::error_code error;
        const std::uintmax_t size = fs::file_size(file, error);
        if (error || size != ref.size) return std::nullopt;
        if (rehash && !is_intact(file, ref.checksum)) return std::nullopt;
        return LocalPackage{pinned(ref, *digest), *digest, file};
    }

    /// Remembers under which other checksum `digest` is known.
    void link(const Checksum& checksum, const Digest& digest) const {
        if (checksum.algorithm == "sha256") return;
        const fs::path name = directory_ / (checksum.algorithm + "-" + checksum.hex);
        std::error_code error;  // there already: by us, or by another build with the same bytes
        fs::create_symlink(cache_name(digest), name, error);
    }

    /// A lock wants a strong checksum: what came with a weaker one is pinned by what it turned out to be.
    [[nodiscard]] static PackageRef pinned(PackageRef ref, const Digest& digest) {
        if (!is_strong(ref.checksum)) ref.checksum = {"sha256", digest.hex()};
        return ref;
    }

private:
    [[nodiscard]] std::optional<Digest> digest_of(const Checksum& checksum) const {
        if (checksum.algorithm == "sha256") return Digest::from_hex(checksum.hex);
        std::error_code error;
        const fs::path target = fs::read_symlink(directory_ / (checksum.algorithm + "-" + checksum.hex), error);
        if (error) return std::nullopt;
        try {
            return Digest::from_hex(target.stem().string());
        } catch (const Error&) {
            return std::nullopt;
        }
    }

    [[nodiscard]] static bool is_intact(const fs::path& file, const Checksum& checksum) {
        const UniqueFd fd = open_file(file, O_RDONLY);
        Hasher hasher(checksum.algorithm);
        std::vector<std::byte> buffer(256 * 1024);
        while (const std::size_t count = read_some(fd.get(), buffer)) hasher.update(std::span(buffer).first(count));
        return hasher.finish_hex() == checksum.hex;
    }

    fs::path directory_;
};

LocalPackage find_local(const PackageRef& ref, const std::vector<LocalRpm>& local_rpms) {
    for (const LocalRpm& local : local_rpms) {
        if (local.location != ref.location) continue;
        const Checksum found{"sha256", local.sha256.hex()};
        if (found != ref.checksum) {
            throw Error(ErrorKind::integrity, "local file " + quote(ref.location) + ": expected " + ref.checksum.str() +
                                                  ", got " + found.str() + "; 'smith update' takes it as it is now");
        }
        return {ref, local.sha256, local.file};
    }
    throw Error(ErrorKind::integrity, "package " + quote(ref.nevra.str()) + " is locked to the local file " +
                                          quote(ref.location) + ", which the spec does not name");
}

Download download_of(const PackageRef& ref, const std::vector<RepoConfig>& repos, const PackageCache& cache) {
    const auto repo =
        std::find_if(repos.begin(), repos.end(), [&](const auto& config) { return config.id == ref.repo; });
    if (repo == repos.end()) {
        throw Error(ErrorKind::fetch, "package " + quote(ref.nevra.str()) + " is from repository " + quote(ref.repo) +
                                          ", which is not configured");
    }
    check_location(ref.location);
    Download out;
    out.what = ref.nevra.str();
    for (const std::string& baseurl : repo->baseurls) out.urls.push_back(join_url(baseurl, ref.location));
    out.checksum = ref.checksum;
    out.size = ref.size;
    out.max_bytes = limits::kMaxRpmBytes;
    out.directory = cache.directory();
    out.name = cache_name;
    return out;
}

}  // namespace

std::vector<LocalPackage> fetch_packages(const std::vector<PackageRef>& packages, const std::vector<RepoConfig>& repos,
                                         const std::vector<LocalRpm>& local_rpms, const FetchOptions& options,
                                         HttpClient& http, Reporter& reporter) {
    const PackageCache cache(options.cache_dir);
    std::vector<std::optional<LocalPackage>> found(packages.size());
    parallel_for(options.jobs, packages.size(), [&](std::size_t i) {
        found[i] =
            packages[i].repo.empty() ? find_local(packages[i], local_rpms) : cache.find(packages[i], options.rehash);
    });

    std::vector<std::size_t> missing;
    std::vector<Download> downloads;
    for (std::size_t i = 0; i < packages.size(); ++i) {
        if (found[i]) continue;
        missing.push_back(i);
        downloads.push_back(download_of(packages[i], repos, cache));
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
        found[missing[at]] = LocalPackage{PackageCache::pinned(ref, done[at].sha256), done[at].sha256, done[at].file};
    }

    std::vector<LocalPackage> out;
    out.reserve(found.size());
    for (auto& package : found) out.push_back(std::move(*package));
    return out;
}

}  // namespace smith::resolver
