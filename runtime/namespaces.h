// SPDX-License-Identifier: Apache-2.0
//
// What a new namespace needs before anybody can live in it: a host name, and a network with its loopback up.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/mounts.h"

namespace smith::runtime {

/// "CLONE_NEWNS|CLONE_NEWPID"; unknown bits in hexadecimal.
[[nodiscard]] std::string namespace_names(std::uint64_t flags);

// Steps, see StepId: between clone and execve.
Result set_host_names(Stage& stage) noexcept;
Result bring_up_loopback(Stage& stage) noexcept;

}  // namespace smith::runtime
