// SPDX-License-Identifier: Apache-2.0
//
// What a security module is to make of the program: an AppArmor profile, an SELinux label. The kernel takes it with the
// next execve, which is the launcher's business: it would else hold for the launcher. So the launcher writes it, to a
// file of a proc that we have mounted for that purpose, seen by nobody else and without all but processes in it; or,
// where that is not allowed, of the container's, which must be one, with nothing mounted in it on the way. What else a
// container has there cannot take the label away (CVE-2019-16884, CVE-2025-52881).
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/config.h"
#include "runtime/failure.h"
#include "runtime/mounts.h"

namespace smith::runtime {

/// A container that is to be confined and cannot be is none. Throws Error (spec), when the module is not there.
void check_labels(const ProcessConfig& process);

/// What follows the filter in the launcher's orders; fills in its length.
[[nodiscard]] std::vector<std::byte> label_orders(const ProcessConfig& process, LauncherOrders& orders);

/// The step before the root is entered: stage.proc, where there is a label to be set.
Result open_own_proc(Stage& stage) noexcept;

}  // namespace smith::runtime
