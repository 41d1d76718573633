// SPDX-License-Identifier: Apache-2.0
//
// What a new namespace needs before anybody can live in it: a host name, and a network with its loopback up.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/mounts.h"

namespace smith::runtime {

inline constexpr std::uint64_t kCgroupNamespace = 0x02000000;  // CLONE_NEWCGROUP
inline constexpr std::uint64_t kTimeNamespace = 0x00000080;    // CLONE_NEWTIME
/// A cgroup namespace shows what is below the cgroup that its maker is in: it is made once the process is in its own.
inline constexpr std::uint64_t kLateNamespaces = kCgroupNamespace;
/// The ones that come with the process. A time namespace must have its offsets before anybody is in it.
inline constexpr std::uint64_t kClonedNamespaces = ~(kLateNamespaces | kTimeNamespace);

/// "CLONE_NEWNS|CLONE_NEWPID"; unknown bits in hexadecimal.
[[nodiscard]] std::string namespace_names(std::uint64_t flags);

// Steps, see StepId: between clone and execve.
Result make_late_namespaces(Stage& stage) noexcept;
Result set_host_names(Stage& stage) noexcept;
Result bring_up_loopback(Stage& stage) noexcept;

}  // namespace smith::runtime
