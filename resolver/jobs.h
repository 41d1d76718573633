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
/// "@..." is as group_jobs.h has it, for which `pool` has loaded the groups; `reporter` is warned of packages that a
/// group names and nobody has. Throws Error (resolve) that names every request which means nothing, with what may have
/// been meant.
[[nodiscard]] std::vector<Job> make_jobs(const std::vector<std::string>& packages, const PackagePool& pool,
                                         Reporter& reporter);

/// Why `request` means nothing, in one sentence.
[[nodiscard]] std::string explain_absence(const std::string& request, const PackagePool& pool);

/// A name without version and architecture also means what replaces that package.
void add_obsoleters(std::vector<Id>& candidates, const PackagePool& pool);

/// "a, b or c", each quoted.
[[nodiscard]] std::string list_choices(const std::vector<std::string>& names);

[[nodiscard]] inline bool is_group(std::string_view request) { return request.starts_with('@'); }

/// Files that only the file lists can tell about: those that `packages` ask for, and those that anything requires or
/// conflicts with which could come into a solution.
[[nodiscard]] WantedFiles files_to_look_up(const std::vector<std::string>& packages, const PackagePool& pool,
                                           bool weak);

}  // namespace smith::resolver
