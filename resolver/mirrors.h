// SPDX-License-Identifier: Apache-2.0
//
// Where a repository can be had: what its configuration says, and what the lists of mirrors say that it names.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/http.h"
#include "base/reporter.h"
#include "resolver/metalink.h"
#include "resolver/repo_config.h"

namespace smith::resolver {

struct Mirrors {
    std::vector<std::string> baseurls;  ///< the better ones first: those of the configuration, then the lists'
    std::optional<Metalink> metalink;   ///< must vouch for repomd.xml, whoever that is from
};

/// Reads the metalink and the mirrorlist of `config`, where it has one. A mirrorlist that cannot be had is warned about
/// where there is something else; a metalink never is dispensable. Throws Error: fetch, format.
[[nodiscard]] Mirrors find_mirrors(const RepoConfig& config, HttpClient& http, Reporter& reporter);

/// For packages, whose checksums are known: here a metalink is a list of places like any other. Each repository's lists
/// are read once, when the first package is asked for.
class PackageMirrors {
public:
    /// `offline`: only what the configuration itself says.
    PackageMirrors(HttpClient& http, bool offline, Reporter& reporter)
        : http_(http), offline_(offline), reporter_(reporter) {}

    /// Throws as find_mirrors(), when there is no baseurl at all.
    [[nodiscard]] const std::vector<std::string>& of(const RepoConfig& config);

private:
    HttpClient& http_;
    bool offline_;
    Reporter& reporter_;
    std::map<std::string, std::vector<std::string>> known_;  // by id
};

}  // namespace smith::resolver
