// SPDX-License-Identifier: Apache-2.0
//
// The repositories that this machine's dnf would use: dnf.conf, the folders of .repo files and of variables
// (dnf.conf(5), "Files"). For specs that name no repository; others depend on nothing that is read here.
#pragma once

#include <filesystem>
#include <vector>

#include "base/reporter.h"
#include "resolver/repo_config.h"

namespace smith::resolver {

struct HostConfig {
    MainConfig main;
    RepoVars vars;  ///< what was given, and what the machine adds
    std::vector<RepoConfig> repos;
    /// What etc/dnf/modules.d has been set to by "dnf module enable" and "disable": "nodejs:18", "-nodejs"; sorted.
    std::vector<std::string> modules;
};

/// Reads below `root`, which is "/" but in tests: etc/dnf/dnf.conf, else etc/yum.conf; the variables of its `varsdir`
/// and of the environment (DNF_VAR_*); the .repo files of its `reposdir`; etc/dnf/modules.d. What `vars` says already
/// stays. Of repositories with one id the first one counts, with a warning, as with dnf. Each file that is read is told
/// to `reporter` (debug). Throws Error: spec, system.
[[nodiscard]] HostConfig read_host_config(const std::filesystem::path& root, RepoVars vars, Reporter& reporter);

}  // namespace smith::resolver
