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

#include "runtime/cgroups.h"
#include "runtime/config.h"
#include "runtime/kernel.h"
#include "runtime/systemd.h"

namespace smith::runtime {

/// Controller ("memory", "name=systemd"; "" for the unified hierarchy) to its absolute directory. Empty: the container
/// has no cgroup of its own.
using CgroupPaths = std::map<std::string, std::string>;

/// systemd as the one who makes a container's cgroup.
struct SystemdDriver {
    Systemd systemd;
    SystemdScope scope;
    bool user = false;
    [[nodiscard]] SystemdUnit unit() const { return {scope.unit, user}; }
};

/// Asks systemd where the scope of `config` will be, and makes that its `cgroups_path`. `name` is the unit's where the
/// configuration has none. `user`: the user's systemd. Throws Error.
[[nodiscard]] SystemdDriver use_systemd(RuntimeConfig& config, const std::string& name, bool user,
                                        Kernel& kernel = linux_kernel());

struct CgroupRequest {
    std::string id;                    ///< "": a container that neither asks for a cgroup nor has limits gets none
    bool rootless = false;             ///< what cannot be had is done without
    std::string name;                  ///< of a cgroup that nobody has named; "": `id`
    SystemdDriver* systemd = nullptr;  ///< null: the file systems themselves
};

/// The directories that create_cgroups() would make: what a state file may say before they are there. Throws Error.
[[nodiscard]] CgroupPaths plan_cgroups(const RuntimeConfig& config, const CgroupRequest& request);

/// Makes the cgroups that `config` asks for and sets its limits, for a process that is not there yet. A container that
/// asks for none gets one named `request.id`, where that is given and allowed. Nothing is left when it throws. What was
/// tolerated, such as a limit that the kernel has given up, is told to `warnings`. With systemd it only makes sure that
/// nobody is there. Throws Error.
[[nodiscard]] CgroupPaths create_cgroups(const RuntimeConfig& config, const CgroupRequest& request,
                                         std::vector<std::string>& warnings, Kernel& kernel = linux_kernel());

/// With systemd, which makes no scope without a process: has it make one with `child` in it, who waits, and then does
/// as create_cgroups(). Nothing is left when it throws, the child not either. Throws Error.
[[nodiscard]] CgroupPaths create_scope(const RuntimeConfig& config, const CgroupRequest& request, pid_t child,
                                       std::vector<std::string>& warnings, Kernel& kernel = linux_kernel());

/// How the process that is about to be made gets into them. Throws Error (system).
[[nodiscard]] CgroupEntrance entrance_to(const CgroupPaths& paths, Kernel& kernel = linux_kernel());

/// Signals every process in them. SIGKILL also reaches those that are frozen or being forked.
void signal_cgroups(const CgroupPaths& paths, int signal);

/// Moves one more process into them, for `exec`; systemd does it where this process may not. Throws Error (system).
void join_cgroups(const CgroupPaths& paths, const SystemdUnit& unit, pid_t process);

/// `paths` with what is `wanted` of them below, as `exec --cgroup` has it: "PATH" in all hierarchies, or
/// "CONTROLLER[,CONTROLLER...]:PATH". Throws Error: usage, for a path that leads out; system, when it is not there.
[[nodiscard]] CgroupPaths cgroups_below(const CgroupPaths& paths, const std::vector<std::string>& wanted);

/// The processes of the container, those of cgroups below its own included. Throws Error (system).
[[nodiscard]] std::vector<pid_t> processes_in(const CgroupPaths& paths);

/// Stops or continues all of them; waits until it is so. Throws Error: spec, without a freezer; system.
void freeze_cgroups(const CgroupPaths& paths, bool frozen);
[[nodiscard]] bool is_frozen(const CgroupPaths& paths);

/// `resources`: the text of a `linux.resources` object; what it does not name stays as it is. systemd, whose `unit` it
/// is, is told first. Throws Error.
void update_cgroups(const CgroupPaths& paths, const SystemdUnit& unit, std::string_view resources,
                    std::vector<std::string>& warnings);

/// The `data` of an event of `events --stats`, as runc writes it: a JSON object. Throws Error (system).
[[nodiscard]] std::string cgroup_statistics(const CgroupPaths& paths);

/// How often the container ran out of memory. 0 where that cannot be known.
[[nodiscard]] std::uint64_t out_of_memory_count(const CgroupPaths& paths);

/// Removes them, unless something lives in them; processes that are ending are waited for, for a second.
void remove_empty_cgroups(const CgroupPaths& paths);

/// Kills what is left in them, has systemd stop the `unit`, and removes what there is then. Not there is as good as
/// removed. A systemd that cannot be asked is told to `warnings`: its unit goes when nothing is in it. Throws Error
/// (system).
void remove_cgroups(const CgroupPaths& paths, const SystemdUnit& unit, std::vector<std::string>& warnings,
                    Kernel& kernel = linux_kernel());

}  // namespace smith::runtime
