// SPDX-License-Identifier: Apache-2.0
//
// A mount of type "cgroup" or "cgroup2": what it shows depends on the host, not on the word. Version 2 alone is shown
// as it is; version 1 as a tmpfs with a directory for each hierarchy, as hosts have it.
#pragma once

#include "runtime/config.h"
#include "runtime/plan.h"

namespace smith::runtime {

[[nodiscard]] bool is_cgroup_mount(const MountConfig& mount);

/// Adds the mounts and links to `plan`. In a new cgroup namespace they show what is below the container's own cgroup;
/// else its directory is bound, and where it has none that of this process, read-only (CVE-2023-25809).
/// Throws Error (system) where this host has no cgroups.
void plan_cgroup_mount(const MountConfig& mount, const RuntimeConfig& config, Plan& plan);

}  // namespace smith::runtime
