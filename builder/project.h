// SPDX-License-Identifier: Apache-2.0
//
// A spec together with what the command line and the host add to it: which repositories, which architecture, which
// lock. Everything that follows works on a Project and asks nobody else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/reporter.h"
#include "builder/spec.h"
#include "resolver/lock.h"
#include "resolver/repo_config.h"

namespace smith::builder {

/// What the command line says. Empty: not said.
struct ProjectOptions {
    std::filesystem::path spec = "smith.yaml";
    std::filesystem::path lock;                              ///< default: the spec's name with .lock for .yaml or .yml
    std::vector<std::pair<std::string, std::string>> repos;  ///< --repo ID=URL: added, or in place of one of that id
    std::vector<std::filesystem::path> repo_files;           ///< --repo-file
    std::string arch;                                        ///< --arch
    std::string releasever;                                  ///< --releasever
};

/// What all commands share that touch the cache or the network.
struct Environment {
    std::filesystem::path cache_dir;  ///< see default_cache_directory()
    unsigned jobs = 1;                ///< threads; never changes a byte of any result
    bool offline = false;             ///< nothing is downloaded: what is not in the cache is an Error (fetch)
    bool refresh = false;             ///< metadata is checked anew, however young the cached one is
};

struct Project {
    Spec spec;
    std::filesystem::path directory;  ///< of the spec: what relative names in it are relative to
    std::filesystem::path lock_file;
    std::string name;  ///< the spec's file name without .yaml
    std::string arch;  ///< as rpm calls it: "x86_64", "aarch64"
    std::vector<resolver::RepoConfig> repos;
};

/// Reads the spec and everything it refers to. Says no to what can't be built yet, with the line that asks for it.
/// Repositories: the spec's and the command line's; when both name none, those of /etc/yum.repos.d.
/// Throws Error: spec, usage, system.
[[nodiscard]] Project open_project(const ProjectOptions& options, Reporter& reporter);

/// The lock that stands beside the spec; nothing when there is none. Throws Error (format) for one that can't be read.
[[nodiscard]] std::optional<resolver::Lock> read_lock(const Project& project);

/// How the packages of a build are decided.
enum class LockMode {
    obey,    ///< the lock where it answers the request; else solve, staying close to the lock
    strict,  ///< the lock, or an Error (resolve): --locked
    update,  ///< solve anew
};

/// Decides which packages, and writes the lock when that changed it. `update_only`, for LockMode::update: names of
/// packages that may change; all others stay as locked where they can. Empty: all may.
/// Throws Error: resolve, fetch, integrity.
[[nodiscard]] resolver::Lock decide_packages(const Project& project, LockMode mode,
                                             const std::vector<std::string>& update_only,
                                             const Environment& environment, Reporter& reporter);

/// What `smith update` tells: "" for `before` of what is new, "" for `after` of what is gone. Sorted by name.
struct PackageChange {
    std::string name;
    std::string before;  ///< NEVRA
    std::string after;
};
[[nodiscard]] std::vector<PackageChange> compare_locks(const resolver::Lock& before, const resolver::Lock& after);

/// Downloads and verifies every package of `lock` into the cache. With a `to` directory: copies of them there too, laid
/// out as a folder that can be named as a repository's baseurl in a locked build.
/// Returns the number of packages.
std::size_t fetch_project(const Project& project, const resolver::Lock& lock, const std::filesystem::path& to,
                          const Environment& environment, Reporter& reporter);

}  // namespace smith::builder
