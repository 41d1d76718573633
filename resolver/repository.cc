// SPDX-License-Identifier: Apache-2.0
#include "resolver/repository.h"

#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/atomic_file.h"
#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "resolver/download.h"
#include "resolver/keyring.h"

namespace smith::resolver {

namespace {

namespace fs = std::filesystem;

/// repomd.xml as somebody gave it, and what to ask with the next time (RFC 9110, "Conditional Requests").
struct Fetched {
    std::string xml;
    std::string baseurl;
    std::string etag;
    std::string last_modified;
};

/// The last repomd.xml of a repository that was found good, in a folder of its own in the cache. Two files: the XML
/// itself, and `state.json`, which names the XML that it is about, so that the two need not be written at once.
class RepomdCache {
public:
    explicit RepomdCache(fs::path directory) : directory_(std::move(directory)) {}

    [[nodiscard]] std::optional<Fetched> load() const {
        try {
            Fetched out;
            out.xml = read_file(directory_ / "repomd.xml", limits::kMaxRepomdBytes);
            const nlohmann::json state = parse_json(read_file(directory_ / "state.json", limits::kMaxRepomdBytes));
            if (state.at("repomd") != sha256(out.xml).str()) return std::nullopt;
            out.baseurl = state.at("baseurl");
            out.etag = state.at("etag");
            out.last_modified = state.at("lastModified");
            return out;
        } catch (const Error&) {  // not there, or damaged: the same as never fetched
            return std::nullopt;
        } catch (const nlohmann::json::exception&) {
            return std::nullopt;
        }
    }

    void store(const Fetched& fetched) const {
        const nlohmann::json state = {{"repomd", sha256(fetched.xml).str()},
                                      {"baseurl", redact_url(fetched.baseurl)},
                                      {"etag", fetched.etag},
                                      {"lastModified", fetched.last_modified}};
        fs::create_directories(directory_);
        write_file_atomically(directory_ / "repomd.xml", fetched.xml);
        write_file_atomically(directory_ / "state.json", dump_json_pretty(state));
    }

private:
    fs::path directory_;
};

Fetched fetch_repomd(const std::string& baseurl, const std::optional<Fetched>& known, HttpClient& http) {
    const std::string url = join_url(baseurl, "repodata/repomd.xml");
    Fetched out;
    out.baseurl = baseurl;
    if (local_path(url)) {
        out.xml = read_url(url, limits::kMaxRepomdBytes, http);
        return out;
    }
    HttpRequest request;
    request.url = url;
    request.max_bytes = limits::kMaxRepomdBytes;
    if (known && known->baseurl == redact_url(baseurl)) {
        if (!known->etag.empty()) request.headers.push_back("If-None-Match: " + known->etag);
        if (!known->last_modified.empty()) request.headers.push_back("If-Modified-Since: " + known->last_modified);
    }
    const HttpResponse response = http.perform(request);
    if (response.status == 304 && !request.headers.empty()) {
        out.xml = known->xml;
        out.etag = known->etag;
        out.last_modified = known->last_modified;
        return out;
    }
    check_ok(request, response);
    out.xml = response.body;
    out.etag = response.header("etag");
    out.last_modified = response.header("last-modified");
    return out;
}

/// From the first baseurl that answers. The error of the first one is thrown when none does.
Fetched fetch_repomd_from_any(const RepoConfig& config, const std::optional<Fetched>& known, HttpClient& http,
                              Reporter& reporter) {
    std::optional<Error> first;
    for (const std::string& baseurl : config.baseurls) {
        try {
            return fetch_repomd(baseurl, known, http);
        } catch (const Error& e) {
            reporter.debug(e.message());
            if (!first) first = e;
        }
    }
    throw Error(*first);
}

fs::path directory_of(const RepoConfig& config, const fs::path& cache_dir) {
    // By id for people, by URLs because two specs may call different repositories by one id.
    std::string urls;
    for (const std::string& url : config.baseurls) urls += url + "\n";
    return cache_dir / "repos" / (config.id + "-" + sha256(urls).hex().substr(0, 16));
}

Repository load_online(const RepoConfig& config, const MetadataOptions& options, const fs::path& directory,
                       HttpClient& http, Reporter& reporter) {
    const RepomdCache cache(directory);
    const std::optional<Fetched> known = options.refresh ? std::nullopt : cache.load();
    const Fetched fetched = fetch_repomd_from_any(config, known, http, reporter);
    if (config.repo_gpgcheck) {
        const std::string url = join_url(fetched.baseurl, "repodata/repomd.xml.asc");
        const std::string signature = read_url(url, limits::kMaxKeyBytes, http);
        const Keyring keyring = load_keyring(config, options.cache_dir, options.offline, http);
        while_doing([] { return "checking repomd.xml"; }, [&] { keyring.verify_detached(fetched.xml, signature); });
    }
    Repomd repomd = parse_repomd(fetched.xml);
    // Kept when it is known to be a good one, signed where it must be: offline work trusts what is here.
    const bool is_local = local_path(fetched.baseurl).has_value();
    if (!is_local) cache.store(fetched);
    return {config, std::move(repomd), sha256(fetched.xml), fetched.baseurl, directory, options.offline && !is_local};
}

Repository load_offline(const RepoConfig& config, const fs::path& directory) {
    const auto known = RepomdCache(directory).load();
    if (!known) {
        throw Error(ErrorKind::fetch,
                    "nothing is cached about it, and --offline forbids to ask; run 'smith fetch' first");
    }
    return {config, parse_repomd(known->xml), sha256(known->xml), config.baseurls.front(), directory, true};
}

Repository load_repository(const RepoConfig& config, const MetadataOptions& options, HttpClient& http,
                           Reporter& reporter) {
    const fs::path directory = directory_of(config, options.cache_dir);
    const bool all_remote = std::none_of(config.baseurls.begin(), config.baseurls.end(),
                                         [](const std::string& url) { return local_path(url).has_value(); });
    Repository repository = options.offline && all_remote ? load_offline(config, directory)
                                                          : load_online(config, options, directory, http, reporter);
    if (!repository.file("primary", http, reporter)) {
        throw Error(ErrorKind::format, "its repomd.xml lists no primary metadata");
    }
    return repository;
}

bool matches(const fs::path& file, const RepomdRecord& record) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(file, error);
    if (error || (record.size && size != *record.size)) return false;
    const UniqueFd fd = open_file(file, O_RDONLY);
    Hasher hasher(record.checksum.algorithm);
    std::vector<std::byte> buffer(256 * 1024);
    while (const std::size_t count = read_some(fd.get(), buffer)) hasher.update(std::span(buffer).first(count));
    return hasher.finish_hex() == record.checksum.hex;
}

}  // namespace

std::optional<fs::path> Repository::file(std::string_view type, HttpClient& http, Reporter& reporter) const {
    const RepomdRecord* record = repomd_.find(type);
    if (record == nullptr) return std::nullopt;
    const std::string name = record->checksum.algorithm + "-" + record->checksum.hex;
    if (matches(cache_ / name, *record)) return cache_ / name;

    const std::string what = "the " + std::string(type) + " metadata of repository " + quote(config_.id);
    if (offline_) throw Error(ErrorKind::fetch, what + " is not cached, and --offline forbids to fetch it");
    Download download;
    download.what = record->location;
    download.urls = {join_url(baseurl_, record->location)};
    download.checksum = record->checksum;
    download.size = record->size;
    download.max_bytes = limits::kMaxMetadataDownloadBytes;
    download.directory = cache_;
    download.name = [&](const Digest&) { return name; };
    if (record->size.value_or(0) > limits::kMaxMetadataDownloadBytes) {
        throw Error(ErrorKind::format, what + " is said to have " + std::to_string(*record->size) + " bytes");
    }
    return while_doing([&] { return "fetching " + what; },
                       [&] { return download_all({download}, "metadata", 1, http, reporter).front().file; });
}

std::vector<Repository> load_repositories(const std::vector<RepoConfig>& configs, const MetadataOptions& options,
                                          HttpClient& http, Reporter& reporter) {
    std::vector<Repository> out;
    for (const RepoConfig& config : configs) {
        if (!config.enabled) continue;
        check_repo(config);
        const auto doing = [&] { return "reading repository " + quote(config.id); };
        try {
            out.push_back(while_doing(doing, [&] { return load_repository(config, options, http, reporter); }));
        } catch (const Error& e) {
            if (!config.skip_if_unavailable || e.kind() != ErrorKind::fetch) throw;
            reporter.warn(e.message() + ", ignoring");
        }
    }
    return out;
}

}  // namespace smith::resolver
