// SPDX-License-Identifier: Apache-2.0
//
// A folder with everything that a locked build takes, to be kept beside its spec: `smith fetch --to DIR`, then
// `smith build --vendor DIR --offline`. In it each repository has a folder of its id, with the packages where the
// repository had them, and its keys as gpgkey-1, gpgkey-2 ...
#pragma once

#include <cstddef>
#include <filesystem>

#include "base/reporter.h"
#include "builder/project.h"
#include "resolver/lock.h"

namespace smith::builder {

/// Downloads and verifies every package of `lock` into the cache; with a `to` directory, makes that folder too.
/// Returns the number of packages. Throws Error: fetch, integrity, system.
std::size_t fetch_project(const Project& project, const resolver::Lock& lock, const std::filesystem::path& to,
                          const Environment& environment, Reporter& reporter);

/// Has `project` look for packages and keys in `folder`, and nowhere else. All else that they say stays: it decides
/// whether the lock still answers. Throws Error (usage) when there is no such folder.
void use_vendored(Project& project, const std::filesystem::path& folder);

}  // namespace smith::builder
