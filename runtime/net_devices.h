// SPDX-License-Identifier: Apache-2.0
//
// Network devices of the host that are the container's from now on (runtime-spec config-linux.md, "Network Devices"),
// by rtnetlink(7). railcar looks at them and moves them into the network namespace of the process, which waits; that
// process gives them their addresses back, which the kernel takes away on the way, and brings them up.
#pragma once

#include <sys/types.h>

#include "runtime/config.h"
#include "runtime/mounts.h"
#include "runtime/plan.h"

namespace smith::runtime {

/// Looks the devices up. Throws Error: spec, when one is not there; system.
void plan_net_devices(const RuntimeConfig& config, Plan& plan);

/// Into the network namespace of `pid`. Throws Error (system).
void move_net_devices(Kernel& kernel, const Plan& plan, pid_t pid);

/// The step of the contained process.
Result set_up_net_devices(Stage& stage) noexcept;

}  // namespace smith::runtime
