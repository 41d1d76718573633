// SPDX-License-Identifier: Apache-2.0
#include "resolver/repository.h"

#include <fcntl.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/bounds.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "base/fd.h"
#include "resolver/download.h"
#include "resolver/keyring.h"
#include "resolver/repomd_fetch.h"

namespace smith::resolver {

namespace {

namespace fs = std::filesystem;

fs::path directory_of(const RepoConfig& config, const fs::path& cache_dir) {
    // By id for people, by URLs because two specs may call different repositories by one id.
    std::string urls;
    for (const std::string& url : config.baseurls) urls += url + "\n";
    for (const std::string& url : {config.metalink, config.mirrorlist}) urls += url.empty() ? "" : url + "\n";
    return cache_dir / "repos" / (config.id + "-" + sha256(urls).hex().substr(0, 16));
}

Freshness freshness_of(const RepoConfig& config, const MetadataOptions& options,
                       const std::optional<FetchedRepomd>& known) {
    Freshness out;
    if (known) out.last_seen = known->timestamp;
    const auto locked = options.locked_timestamps.find(config.id);
    if (locked != options.locked_timestamps.end()) out.locked = locked->second;
    out.max_age = config.max_age;
    return out;
}

bool is_local(const std::string& url) { return local_path(url).has_value(); }

bool needs_network(const RepoConfig& config) {
    const bool has_list = !config.metalink.empty() || !config.mirrorlist.empty();
    if (!has_list) return std::none_of(config.baseurls.begin(), config.baseurls.end(), is_local);
    return (!config.metalink.empty() && !is_local(config.metalink)) ||
           (!config.mirrorlist.empty() && !is_local(config.mirrorlist));
}

Repository load_online(const RepoConfig& config, const MetadataOptions& options, const fs::path& directory,
                       HttpClient& http, Reporter& reporter) {
    Mirrors mirrors = find_mirrors(config, http, reporter);
    if (options.offline) std::erase_if(mirrors.baseurls, [](const std::string& url) { return !is_local(url); });
    const RepomdCache cache(directory);
    const std::optional<FetchedRepomd> known = cache.load();
    std::optional<Keyring> keyring;
    if (config.repo_gpgcheck) keyring = load_keyring(config, options.cache_dir, options.offline, http);

    RepomdChecks checks;
    if (keyring) checks.keyring = &*keyring;
    if (!options.refresh) checks.known = known;
    if (!options.allow_old) checks.freshness = freshness_of(config, options, known);
    GoodRepomd good = fetch_repomd(config, mirrors, checks, http, reporter);
    // Kept when it is known to be a good one, signed where it must be: offline work trusts what is here.
    const std::string& baseurl = good.fetched.baseurl;
    if (!is_local(baseurl)) cache.store(good.fetched);
    // What it lists is asked for where it is from; others may not have it yet, or no more.
    std::stable_partition(mirrors.baseurls.begin(), mirrors.baseurls.end(),
                          [&](const std::string& url) { return url == baseurl; });
    return {config,    std::move(good.repomd), sha256(good.fetched.xml), std::move(mirrors.baseurls),
            directory, options.offline};
}

Repository load_offline(const RepoConfig& config, const MetadataOptions& options, const fs::path& directory) {
    const auto known = RepomdCache(directory).load();
    if (!known) {
        throw Error(ErrorKind::fetch,
                    "nothing is cached about it, and --offline forbids to ask; run 'smith fetch' first");
    }
    Repomd repomd = parse_repomd(known->xml);
    if (!options.allow_old) {
        check_freshness(repomd, freshness_of(config, options, std::nullopt),
                        static_cast<std::uint64_t>(std::time(nullptr)));
    }
    return {config, std::move(repomd), sha256(known->xml), {known->baseurl}, directory, true};
}

Repository load_repository(const RepoConfig& config, const MetadataOptions& options, HttpClient& http,
                           Reporter& reporter) {
    const fs::path directory = directory_of(config, options.cache_dir);
    Repository repository = options.offline && needs_network(config)
                                ? load_offline(config, options, directory)
                                : load_online(config, options, directory, http, reporter);
    if (!repository.provide("primary", http, reporter)) {
        throw Error(ErrorKind::format, "its repomd.xml lists no primary metadata");
    }
    return repository;
}

std::string cached_name(const RepomdRecord& record) { return record.checksum.algorithm + "-" + record.checksum.hex; }

bool has_size(const fs::path& file, const RepomdRecord& record) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(file, error);
    return !error && (!record.size || size == *record.size);
}

bool matches(const fs::path& file, const RepomdRecord& record) {
    if (!has_size(file, record)) return false;
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
    const std::string name = cached_name(*record);
    if (matches(cache_ / name, *record)) return cache_ / name;

    const std::string what = "the " + std::string(type) + " metadata of repository " + quote(config_.id);
    const bool is_at_hand = std::any_of(baseurls_.begin(), baseurls_.end(), is_local);
    if (offline_ && !is_at_hand)
        throw Error(ErrorKind::fetch, what + " is not cached, and --offline forbids to fetch it");
    Download download;
    download.what = record->location;
    for (const std::string& baseurl : baseurls_) download.urls.push_back(join_url(baseurl, record->location));
    download.retries = retries_of(config_);
    download.access = access_of(config_);
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

bool Repository::provide(std::string_view type, HttpClient& http, Reporter& reporter) const {
    const RepomdRecord* record = repomd_.find(type);
    if (record != nullptr && has_size(cache_ / cached_name(*record), *record)) return true;
    return file(type, http, reporter).has_value();
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
