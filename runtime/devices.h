// SPDX-License-Identifier: Apache-2.0
//
// The container's devices: made by mknod where this process may, else the host's own are shown. A node is made in a
// directory that is open already; what stands in its place is looked at, never followed.
#pragma once

#include "runtime/mounts.h"

namespace smith::runtime {

/// A step, see StepId.
Result make_devices(Stage& stage) noexcept;

}  // namespace smith::runtime
