// SPDX-License-Identifier: Apache-2.0
#include "resolver/named_rpms.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/atomic_file.h"
#include "base/bounds.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/utf8.h"
#include "resolver/rpm_url.h"

namespace smith::resolver {

namespace {

namespace fs = std::filesystem;

// Of a package of which nobody has said how large it is. The largest that we know, of CUDA, have 3 GB.
constexpr std::uint64_t kMaxUnknownRpmBytes = 8 * limits::kGiB;
// Of the lead that every .rpm begins with (rpm's lib/rpmlead.h).
constexpr std::string_view kRpmMagic = "\xed\xab\xee\xdb";

/// What a URL was when it was fetched last.
struct Remembered {
    Digest sha256;
    std::string validator;
};

class UrlMemory {
public:
    explicit UrlMemory(const fs::path& cache_dir) : directory_(cache_dir / "urls") {}

    [[nodiscard]] std::optional<Remembered> load(const std::string& url) const {
        try {
            const nlohmann::json state = parse_json(read_file(file_of(url), limits::kMaxManifestBytes));
            Remembered out;
            if (state.at("url") != url) return std::nullopt;
            out.sha256 = Digest::parse(state.at("sha256").get<std::string>());
            out.validator = state.at("validator");
            return out;
        } catch (const Error&) {  // not there, or damaged: the same as never fetched
            return std::nullopt;
        } catch (const nlohmann::json::exception&) {
            return std::nullopt;
        }
    }

    void store(const std::string& url, const Downloaded& got) const {
        make_cache_directory(directory_);
        write_file_atomically(
            file_of(url),
            dump_json({{"url", url}, {"sha256", got.sha256.str()}, {"validator", to_utf8(got.validator)}}));
    }

private:
    [[nodiscard]] fs::path file_of(const std::string& url) const { return directory_ / (sha256(url).hex() + ".json"); }

    fs::path directory_;
};

Download download_from(const std::string& location, const std::optional<Checksum>& checksum, const RepoConfig& named,
                       const PackageCache& cache) {
    Download out;
    out.what = location;
    const RpmUrl url = parse_rpm_url(location);
    if (named.baseurls.empty()) out.urls.push_back(url.url);
    for (const std::string& folder : named.baseurls) {
        if (!checksum) {
            throw Error(ErrorKind::fetch, quote(location) + " is not locked: a folder of packages has what a lock has");
        }
        out.urls.push_back(join_url(folder, PackageCache::name_of(Digest::from_hex(checksum->hex))));
    }
    out.access = access_of(named);
    out.retries = retries_of(named);
    out.checksum = checksum.value_or(Checksum{});
    out.max_bytes = kMaxUnknownRpmBytes;
    out.magic = kRpmMagic;
    out.directory = cache.directory();
    out.name = PackageCache::name_of;
    return out;
}

/// Whether the server says that `url` is what it was. Whatever else it says: then it is to be fetched.
bool is_unchanged(const std::string& url, const Remembered& known, const RepoConfig& named, HttpClient& http,
                  Reporter& reporter) {
    if (known.validator.empty()) return false;
    HttpRequest request;
    request.url = url;
    request.method = "HEAD";
    request.access = access_of(named);
    request.max_seconds = kMaxSecondsForDocument;
    const bool is_etag = known.validator.starts_with('"');
    request.headers = {(is_etag ? "If-None-Match: " : "If-Modified-Since: ") + known.validator};
    try {
        return http.perform(request).status == 304;
    } catch (const Error& e) {
        reporter.debug(e.message());
        return false;
    }
}

class NamedRpms {
public:
    NamedRpms(const std::vector<PackageRef>& keep, const FetchOptions& options, HttpClient& http, Reporter& reporter)
        : keep_(keep),
          options_(options),
          http_(http),
          reporter_(reporter),
          cache_(options.cache_dir),
          memory_(options.cache_dir) {}

    void fetch(std::vector<LocalRpm>& rpms) {
        for (LocalRpm& rpm : rpms) {
            if (rpm.is_remote && !take_cached(rpm)) plan(rpm);
        }
        const auto got = download_all(downloads_, "packages", options_.jobs, http_, reporter_);
        for (std::size_t i = 0; i < got.size(); ++i) {
            take(*missing_[i], got[i].sha256, got[i].size);
            memory_.store(parse_rpm_url(missing_[i]->location).url, got[i]);
        }
    }

private:
    [[nodiscard]] const PackageRef* kept(const LocalRpm& rpm) const {
        const auto found = std::ranges::find_if(
            keep_, [&](const PackageRef& ref) { return ref.repo.empty() && ref.location == rpm.location; });
        return found == keep_.end() ? nullptr : &*found;
    }

    void take(LocalRpm& rpm, const Digest& digest, std::uint64_t size) const {
        rpm.sha256 = digest;
        rpm.size = size;
        rpm.file = cache_.directory() / PackageCache::name_of(digest);
    }

    /// Hashed, as a local file is: what is damaged is fetched again.
    bool take_file(LocalRpm& rpm, const Digest& digest) const {
        PackageRef ref;
        ref.checksum = {"sha256", digest.hex()};
        std::error_code absent;
        ref.size = fs::file_size(cache_.directory() / PackageCache::name_of(digest), absent);
        if (absent || !cache_.find(ref, true)) return false;
        take(rpm, digest, ref.size);
        return true;
    }

    bool take_cached(LocalRpm& rpm) const {
        const RpmUrl url = parse_rpm_url(rpm.location);
        if (const PackageRef* ref = kept(rpm)) {
            const auto found = cache_.find(*ref, true);
            if (found) take(rpm, found->sha256, ref->size);
            return found.has_value();
        }
        if (url.sha256) return take_file(rpm, *url.sha256);
        const auto known = memory_.load(url.url);
        if (!known || !(options_.offline || is_unchanged(url.url, *known, options_.named, http_, reporter_))) {
            return false;
        }
        return take_file(rpm, known->sha256);
    }

    void plan(LocalRpm& rpm) {
        if (options_.offline && options_.named.baseurls.empty()) {
            throw Error(ErrorKind::fetch,
                        "package " + quote(rpm.location) + " is not cached, and --offline forbids to fetch it");
        }
        missing_.push_back(&rpm);
        if (const PackageRef* ref = kept(rpm)) {
            downloads_.push_back(named_download(*ref, options_.named, cache_));
            return;
        }
        const RpmUrl url = parse_rpm_url(rpm.location);
        std::optional<Checksum> checksum;
        if (url.sha256) checksum = Checksum{"sha256", url.sha256->hex()};
        downloads_.push_back(download_from(rpm.location, checksum, options_.named, cache_));
    }

    const std::vector<PackageRef>& keep_;
    const FetchOptions& options_;
    HttpClient& http_;
    Reporter& reporter_;
    PackageCache cache_;
    UrlMemory memory_;
    std::vector<LocalRpm*> missing_;
    std::vector<Download> downloads_;
};

}  // namespace

Download named_download(const PackageRef& ref, const RepoConfig& named, const PackageCache& cache) {
    Download out = download_from(ref.location, ref.checksum, named, cache);
    out.what = ref.nevra.str();
    out.size = ref.size;
    out.advice = "; 'smith update' takes what is there now";
    return out;
}

void fetch_named_rpms(std::vector<LocalRpm>& rpms, const std::vector<PackageRef>& keep, const FetchOptions& options,
                      HttpClient& http, Reporter& reporter) {
    NamedRpms(keep, options, http, reporter).fetch(rpms);
}

}  // namespace smith::resolver
