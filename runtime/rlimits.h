// SPDX-License-Identifier: Apache-2.0
//
// Resource limits (process.rlimits): their names, and setting them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/config.h"
#include "runtime/kernel.h"

namespace smith::runtime {

/// RLIMIT_NOFILE for "RLIMIT_NOFILE". Nothing for other words.
[[nodiscard]] std::optional<int> limit_resource(std::string_view name) noexcept;

/// In the parent, before the child may go on: lifts the child's hard limits where `limits` are above them. That takes
/// CAP_SYS_RESOURCE of the host, which the child, in its own user namespace, cannot have. Throws Error (system).
void raise_hard_limits(Kernel& kernel, pid_t child, const std::vector<ResourceLimit>& limits);

/// In the child. `item` is left at the limit that failed.
Result set_limits(Kernel& kernel, const std::vector<ResourceLimit>& limits, std::uint32_t& item) noexcept;

}  // namespace smith::runtime
