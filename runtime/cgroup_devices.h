// SPDX-License-Identifier: Apache-2.0
//
// Which devices a cgroup's processes may use: lines of devices.allow and devices.deny for version 1, a BPF program for
// version 2. runtime-spec config-linux.md, "Allowed Device list".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/cgroup_resources.h"
#include "runtime/kernel.h"

namespace smith::runtime {

/// `rules`, and after them what every container may use: the specification's default devices, terminals, and making
/// nodes, which open nothing by themselves.
[[nodiscard]] std::vector<DeviceRule> with_default_devices(std::vector<DeviceRule> rules);

/// "c 1:3 rwm"; two lines for a rule about both kinds that "a", which means everything, cannot say.
[[nodiscard]] std::vector<std::string> device_lines(const DeviceRule& rule);

/// A program of type BPF_PROG_TYPE_CGROUP_DEVICE, 8 bytes an instruction. Of the rules that speak of a device and of a
/// way to use it, the last one decides, for each way by itself; where none does, `otherwise`.
[[nodiscard]] std::vector<std::uint64_t> device_program(const std::vector<DeviceRule>& rules, bool otherwise = true);

/// Loads it and attaches it to the cgroup that `directory` is open for, in the place of what a former call has
/// attached, and of nothing else. Throws Error (system).
void attach_device_program(Kernel& kernel, int directory, const std::vector<std::uint64_t>& program);

}  // namespace smith::runtime
