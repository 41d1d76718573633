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
#include "ocilayout/registry/options.h"
#include "resolver/lock.h"
#include "resolver/pin.h"
#include "resolver/repo_config.h"

namespace smith::builder {

/// What the command line says. Empty: not said.
struct ProjectOptions {
    std::filesystem::path spec = "smith.yaml";
    std::filesystem::path directory;                         ///< default: the spec's; see Project::directory
    std::filesystem::path lock;                              ///< default: the spec's name with .lock for .yaml or .yml
    std::vector<std::pair<std::string, std::string>> repos;  ///< --repo ID=URL: added, or in place of one of that id
    std::vector<std::filesystem::path> repo_files;           ///< --repo-file
    std::filesystem::path vendor;                            ///< --vendor: see vendor.h
    std::string arch;                                        ///< --arch
    std::string releasever;                                  ///< --releasever
    std::filesystem::path host_root = "/";  ///< where the machine's own configuration is: SMITH_HOST_ROOT
};

/// What all commands share that touch the cache or the network.
struct Environment {
    std::filesystem::path cache_dir;  ///< see default_cache_directory()
    unsigned jobs = 1;                ///< threads; never changes a byte of any result
    bool offline = false;             ///< nothing is downloaded: what is not in the cache is an Error (fetch)
    bool whole_packages = false;      ///< fetch all of every package, also of those that only the header is needed of
    bool refresh = false;             ///< metadata is checked anew, however young the cached one is
    ocilayout::RegistryOptions registry;  ///< how registries are talked to
    bool allow_old_metadata = false;  ///< metadata may be older than the lock's, than last seen, than `max_age` says
};

struct Project {
    Spec spec;
    std::filesystem::path directory;  ///< what relative names in the spec are relative to
    std::filesystem::path overlay;    ///< rootfs/ in it: laid over everything, where it is there; empty: none
    std::filesystem::path lock_file;
    std::string name;            ///< the spec's file name without .yaml
    std::string arch;            ///< as rpm calls it: "x86_64", "aarch64"
    bool arch_is_given = false;  ///< by the spec or the command line, as opposed to this machine's
    std::vector<resolver::RepoConfig> repos;
    resolver::RepoConfig named;               ///< FetchOptions::named
    bool weak_dependencies = false;           ///< in the end: the spec's, or what stands in for it
    bool best = true;                         ///< likewise
    std::vector<std::string> preset_modules;  ///< what this machine's dnf is set to, where its repositories are taken
    std::string module_platform_id;           ///< the spec's, or dnf.conf's; "": what the packages say
};

/// Reads the spec and everything it refers to. Says no to what can't be built yet, with the line that asks for it.
/// Repositories: see project_repos.h.
/// Throws Error: spec, usage, system.
[[nodiscard]] Project open_project(const ProjectOptions& options, Reporter& reporter);

/// What the command line and this machine say about repositories, where there is no spec: for questions about them.
/// Throws Error: spec, usage, system.
[[nodiscard]] Project open_repositories(const ProjectOptions& options, Reporter& reporter);

/// Likewise, of a spec that no file holds.
[[nodiscard]] Project make_project(Spec spec, const ProjectOptions& options, Reporter& reporter);

/// Where the lock is, or would be: open_project() knows more, and needs the spec for it.
[[nodiscard]] std::filesystem::path lock_file_of(const ProjectOptions& options);

/// The lock that stands beside the spec; nothing when there is none. Throws Error (format) for one that can't be read.
[[nodiscard]] std::optional<resolver::Lock> read_lock(const Project& project);
[[nodiscard]] std::optional<resolver::Lock> read_lock(const std::filesystem::path& lock_file);

/// How the packages of a build are decided.
enum class LockMode {
    obey,    ///< the lock where it answers the request; else solve, staying close to the lock
    strict,  ///< the lock, or an Error (resolve): --locked
    update,  ///< solve anew
};

/// Decides which packages, and writes the lock when that changed it. `update_only`, for LockMode::update: names of
/// packages that may change; all others stay as locked where they can. Empty: all may.
/// `only`, likewise: if there are any, nothing but these packages can be chosen.
/// Throws Error: resolve, fetch, integrity.
[[nodiscard]] resolver::Lock decide_packages(const Project& project, LockMode mode,
                                             const std::vector<std::string>& update_only,
                                             const Environment& environment, Reporter& reporter,
                                             const std::vector<resolver::Pin>& only = {});

/// What decide_packages() would choose without a lock; none is read or written. Only for packages.
[[nodiscard]] resolver::Lock choose_packages(const Project& project, const Environment& environment,
                                             Reporter& reporter);

/// What `smith update` tells: "" for `before` of what is new, "" for `after` of what is gone; both the same for a
/// package that is named by its file or URL, and has other bytes now. Sorted by name.
struct PackageChange {
    std::string name;
    std::string before;  ///< NEVRA
    std::string after;
};
[[nodiscard]] std::vector<PackageChange> compare_locks(const resolver::Lock& before, const resolver::Lock& after);

}  // namespace smith::builder
