// SPDX-License-Identifier: Apache-2.0
//
// Running from a copy that nobody can write to. A process that enters a container's PID namespace is, until it has
// executed the launcher, railcar; whoever in there may trace it (CAP_SYS_PTRACE in railcar's own user namespace) could
// open its /proc/PID/exe, wait until nobody runs that file any more, and write to it (CVE-2019-5736).
#pragma once

#include "runtime/config.h"
#include "tools/railcar/options.h"

namespace smith::railcar {

/// Could a process of such a container trace one of ours?
[[nodiscard]] bool may_trace_us(const runtime::RuntimeConfig& config) noexcept;

/// The same of those whose PID namespace a new container is to join, whatever they may do.
[[nodiscard]] bool joins_who_may_trace_us(const runtime::RuntimeConfig& config) noexcept;

/// Executes this program again, with the same arguments, from a sealed memfd; returns when it is one already. Throws
/// Error (system).
void run_from_sealed_copy();

}  // namespace smith::railcar
