// SPDX-License-Identifier: Apache-2.0
//
// repomd.xml from the first mirror that has a good one: what the metalink vouches for, signed where it must be, and not
// older than it may be. A mirror whose repomd.xml is not good is no worse than one that is down: the next is asked.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/http.h"
#include "base/reporter.h"
#include "resolver/freshness.h"
#include "resolver/mirrors.h"
#include "resolver/repo_config.h"
#include "resolver/repomd.h"
#include "resolver/repomd_cache.h"

namespace smith::resolver {

class Keyring;

struct RepomdChecks {
    const Keyring* keyring = nullptr;  ///< null: no signature is asked for
    std::optional<Freshness> freshness;
    std::optional<FetchedRepomd> known;  ///< what a server may say is still the same
};

struct GoodRepomd {
    FetchedRepomd fetched;
    Repomd repomd;
};

/// Throws Error: integrity, where a mirror had one that is not good and no other had a better; fetch; format.
[[nodiscard]] GoodRepomd fetch_repomd(const RepoConfig& config, const Mirrors& mirrors, const RepomdChecks& checks,
                                      HttpClient& http, Reporter& reporter);

}  // namespace smith::resolver
