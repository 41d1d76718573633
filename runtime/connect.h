// SPDX-License-Identifier: Apache-2.0
//
// A TCP connection into a container's network, for asking whether a service is ready. The network namespace belongs to
// the container's user namespace and cannot be entered by a process with threads, so a forked helper enters both,
// connects, and passes the connected socket back.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/fd.h"
#include "runtime/kernel.h"

namespace smith::runtime {

/// Connects to 127.0.0.1:`port` in the network namespace of the process `pidfd`. `namespaces`: those the container has
/// of its own. Empty: nobody listens, or does not answer within `timeout`. Throws Error (system).
[[nodiscard]] UniqueFd connect_inside(Kernel& kernel, int pidfd, std::uint64_t namespaces, std::uint16_t port,
                                      std::chrono::milliseconds timeout);

}  // namespace smith::runtime
