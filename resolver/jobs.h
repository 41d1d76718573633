// SPDX-License-Identifier: Apache-2.0
//
// From the words of a request to the packages that they may mean. Internal to solving.
#pragma once

#include <string>
#include <vector>

#include "resolver/package_pool.h"

namespace smith::resolver {

/// One of `candidates` is to be installed, because of `request`.
struct Job {
    std::string request;
    std::vector<Id> candidates;
    Id rich = 0;  ///< a rich dependency to fulfil, instead of having one of the candidates
};

/// What `packages` mean, as dnf reads them: a package's name, with or without version and architecture, before
/// something provided, before a file; a name also stands for what obsoletes it; a glob is one job for each name.
/// "@NAME" is a group of packages, for which `pool` has loaded the groups: what dnf installs of it (its mandatory and
/// default packages, and conditional ones); `reporter` is warned of those that are not there.
/// Throws Error (resolve) that names every request which means nothing, with what may have been meant.
[[nodiscard]] std::vector<Job> make_jobs(const std::vector<std::string>& packages, const PackagePool& pool,
                                         Reporter& reporter);

[[nodiscard]] inline bool is_group(std::string_view request) { return request.starts_with('@'); }

/// Files that only the file lists can tell about: those that `packages` ask for, and those that anything requires or
/// conflicts with which could come into a solution.
[[nodiscard]] WantedFiles files_to_look_up(const std::vector<std::string>& packages, const PackagePool& pool,
                                           bool weak);

}  // namespace smith::resolver
