// SPDX-License-Identifier: Apache-2.0
//
// A small process that outlives ours by a moment: when we end, however suddenly, it kills the container. The contained
// program can cancel PR_SET_PDEATHSIG for itself; it cannot see or reach the guard, which is outside of its PID
// namespace.
#pragma once

#include "base/fd.h"
#include "runtime/kernel.h"

namespace smith::runtime {

/// Starts the guard of the process that `container` (a pidfd) is; returns the guard's own pidfd, once the guard is on
/// its post. It ends by itself when the container has ended, and is our child, to be waited for with __WALL. Throws
/// Error (system).
[[nodiscard]] UniqueFd start_guard(Kernel& kernel, int container);

}  // namespace smith::runtime
