// SPDX-License-Identifier: Apache-2.0
//
// Where a project's packages come from: the repositories of the spec and the command line, of a mock configuration, or
// of this machine; in this order, and never mixed with those that come later. docs/repositories.md says which
// settings of a machine can decide an image.
#pragma once

#include <filesystem>
#include <vector>

#include "base/reporter.h"
#include "builder/project.h"
#include "builder/spec.h"
#include "resolver/repo_config.h"

namespace smith::builder {

/// As uname(2) calls it, and rpm too.
[[nodiscard]] std::string host_arch();

/// A spec's request in full: what it left open is filled in.
struct Sources {
    std::vector<resolver::RepoConfig> repos;  ///< enabled ones, checked, with their credentials
    resolver::RepoConfig named;               ///< for packages that are named by URL
    std::string arch;
    std::string releasever;  ///< "": none is known, and none is needed
    bool weak_dependencies = false;
    bool best = true;
    std::vector<std::string> preset_modules;
    std::string module_platform_id;
};

/// `directory` is what relative names in `spec` are relative to. Throws Error: spec, usage, system.
[[nodiscard]] Sources collect_sources(const Spec& spec, const std::filesystem::path& directory,
                                      const ProjectOptions& options, Reporter& reporter);

}  // namespace smith::builder
