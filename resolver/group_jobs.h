// SPDX-License-Identifier: Apache-2.0
//
// What "@..." in a request means, as with dnf: a stream of a module, of which a profile is installed; else a group of
// packages. Internal to solving.
#pragma once

#include <string>
#include <vector>

#include "resolver/jobs.h"

namespace smith::resolver {

/// Of "@NAME[:STREAM][/PROFILE]", where NAME is a module: what the profile names, out of the active stream where it has
/// it. Of a group what dnf installs of it: its mandatory and default packages, and conditional ones; `reporter` is
/// warned of those that are not there. False when `request` means nothing; Error (resolve) where it means a module that
/// does not have this profile.
[[nodiscard]] bool add_group_jobs(const std::string& request, const PackagePool& pool, std::vector<Job>& jobs,
                                  Reporter& reporter);

/// Why `request` means nothing, in one sentence.
[[nodiscard]] std::string explain_absent_group(const std::string& request, const PackagePool& pool);

}  // namespace smith::resolver
