// SPDX-License-Identifier: Apache-2.0
//
// A repository whose repomd.xml has been read, and the files that it lists: fetched when they are asked for, verified
// against repomd.xml, and kept in the cache under the digest they were verified by.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/http.h"
#include "base/reporter.h"
#include "resolver/repo_config.h"
#include "resolver/repomd.h"

namespace smith::resolver {

struct MetadataOptions {
    std::filesystem::path cache_dir;  ///< the whole cache's; metadata is kept in repos/ below it
    bool offline = false;             ///< use what is cached, ask nobody (a file:// repository is always at hand)
    bool refresh = false;             ///< ask for repomd.xml anew, even where the server would say "not modified"
    bool allow_old = false;           ///< take metadata that is older than it may be (freshness.h)
    /// By id of repository: when the repomd.xml was made that the lock is of.
    std::map<std::string, std::uint64_t> locked_timestamps;
};

class Repository {
public:
    Repository(RepoConfig config, Repomd repomd, Digest repomd_digest, std::vector<std::string> baseurls,
               std::filesystem::path cache, bool offline)
        : config_(std::move(config)),
          repomd_(std::move(repomd)),
          repomd_digest_(repomd_digest),
          baseurls_(std::move(baseurls)),
          cache_(std::move(cache)),
          offline_(offline) {}

    [[nodiscard]] const RepoConfig& config() const noexcept { return config_; }
    [[nodiscard]] const Repomd& repomd() const noexcept { return repomd_; }
    [[nodiscard]] const Digest& repomd_digest() const noexcept { return repomd_digest_; }
    /// The one that answered, then the other mirrors.
    [[nodiscard]] const std::vector<std::string>& baseurls() const noexcept { return baseurls_; }
    /// Where its metadata is kept, and what was made of it. A name in it says of which bytes.
    [[nodiscard]] const std::filesystem::path& cache_folder() const noexcept { return cache_; }

    /// The file of `type` as it is stored (compressed), downloaded if need be; its checksum and size were verified now.
    /// Nothing when the repository has no such file. Throws Error: fetch, integrity.
    [[nodiscard]] std::optional<std::filesystem::path> file(std::string_view type, HttpClient& http,
                                                            Reporter& reporter) const;
    /// As file(), but one that is cached with the right size is not read: whoever opens it asks file().
    [[nodiscard]] bool provide(std::string_view type, HttpClient& http, Reporter& reporter) const;

private:
    RepoConfig config_;
    Repomd repomd_;
    Digest repomd_digest_;
    std::vector<std::string> baseurls_;
    std::filesystem::path cache_;
    bool offline_;
};

/// Reads repomd.xml of all enabled repositories, and their primary.xml into the cache. Order is kept. A repository that
/// cannot be had is an error, unless it says skip_if_unavailable. Throws Error: fetch, integrity, format.
[[nodiscard]] std::vector<Repository> load_repositories(const std::vector<RepoConfig>& configs,
                                                        const MetadataOptions& options, HttpClient& http,
                                                        Reporter& reporter);

}  // namespace smith::resolver
