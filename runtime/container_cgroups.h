// SPDX-License-Identifier: Apache-2.0
//
// The cgroups of one container, as the verbs see them: a list of directories that is written into the container's
// state, and what can be done with it. Which version, which driver and which controllers stand behind it is known to
// cgroups.h alone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/config.h"

namespace smith::runtime {

/// Controller ("memory", "name=systemd"; "" for the unified hierarchy) to its absolute directory. Empty: the container
/// has no cgroup of its own.
using CgroupPaths = std::map<std::string, std::string>;

struct CgroupRequest {
    std::string id;
    bool systemd = false;   ///< --systemd-cgroup
    bool rootless = false;  ///< what cannot be had is done without
};

/// Makes the cgroups that `config` asks for and sets its limits; `child` (which waits) is moved into them. Nothing is
/// left when it throws. Throws Error.
[[nodiscard]] CgroupPaths create_cgroups(const RuntimeConfig& config, const CgroupRequest& request, pid_t child);

/// Moves one more process into them, for `exec`. Throws Error (system).
void join_cgroups(const CgroupPaths& paths, pid_t process);

/// The processes of the container, those of cgroups below its own included. Throws Error (system).
[[nodiscard]] std::vector<pid_t> processes_in(const CgroupPaths& paths);

/// Stops or continues all of them; waits until it is so. Throws Error: spec, without a freezer; system.
void freeze_cgroups(const CgroupPaths& paths, bool frozen);
[[nodiscard]] bool is_frozen(const CgroupPaths& paths);

/// `resources`: the text of a `linux.resources` object; what it does not name stays as it is. Throws Error.
void update_cgroups(const CgroupPaths& paths, std::string_view resources);

/// The `data` of an event of `events --stats`, as runc writes it: a JSON object. Throws Error (system).
[[nodiscard]] std::string cgroup_statistics(const CgroupPaths& paths);

/// How often the container ran out of memory. 0 where that cannot be known.
[[nodiscard]] std::uint64_t out_of_memory_count(const CgroupPaths& paths);

/// Kills what is left in them and removes them. Not there is as good as removed. Throws Error (system).
void remove_cgroups(const CgroupPaths& paths);

}  // namespace smith::runtime
