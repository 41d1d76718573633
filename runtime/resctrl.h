// SPDX-License-Identifier: Apache-2.0
//
// Shares of caches and of memory bandwidth (`linux.intelRdt`), by way of the resctrl file system: a directory is a
// class of service, its `schemata` what the class may use, its `tasks` who is in it; below `mon_groups` are those who
// are only measured. runtime-spec config-linux.md, "IntelRdt"; the kernel's Documentation/filesystems/resctrl.rst.
#pragma once

#include <linux/magic.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/config.h"
#include "runtime/kernel.h"

namespace smith::runtime {

/// Where it is mounted, and what it must be: nothing is written to a file that only looks like one of it.
struct ResctrlMount {
    std::string path;
    Result type = RDTGROUP_SUPER_MAGIC;
};

/// Of this host. Throws Error (system): it is not mounted.
[[nodiscard]] ResctrlMount find_resctrl();

/// A container's directories, as a state file keeps them; empty: there is none.
struct ResctrlGroups {
    std::string group;    ///< the class of service
    std::string monitor;  ///< where it is measured; goes with the container
    bool ours = false;    ///< so does `group`: it was made for this container
    [[nodiscard]] bool empty() const noexcept { return group.empty(); }
    bool operator==(const ResctrlGroups&) const = default;
};

/// What enter_resctrl() will use; of that, `ours` and `monitor` are only said to be what is not there yet. Throws Error
/// (spec): a name that is none.
[[nodiscard]] ResctrlGroups plan_resctrl(const ResctrlMount& mount, const IntelRdtConfig& config,
                                         const std::string& id);

/// Makes what is missing, writes the schemata, and puts `process` in. Throws Error: spec, for a class that should be
/// there and is not, or has other schemata; system. What was made is removed again then.
[[nodiscard]] ResctrlGroups enter_resctrl(Kernel& kernel, const ResctrlMount& mount, const IntelRdtConfig& config,
                                          const std::string& id, pid_t process);

/// One more process, for `exec`. Throws Error (system).
void join_resctrl(Kernel& kernel, const ResctrlMount& mount, const ResctrlGroups& groups, pid_t process);

/// Removes what goes with the container. What is not there is not missed. Throws Error (system).
void remove_resctrl(Kernel& kernel, const ResctrlMount& mount, const ResctrlGroups& groups);

/// Does a `schemata` file say what `wanted`, a line of it, says? Domains that `wanted` does not name do not matter.
[[nodiscard]] bool schemata_agree(std::string_view file, std::string_view wanted);

}  // namespace smith::runtime
