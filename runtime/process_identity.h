// SPDX-License-Identifier: Apache-2.0
//
// Which process a number that was written down means. Numbers are used again; a number together with the moment at
// which its process was started is not (proc(5), /proc/PID/stat, field 22).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "base/fd.h"
#include "runtime/kernel.h"

namespace smith::runtime {

struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t start_time = 0;  ///< in clock ticks since boot
    bool operator==(const ProcessIdentity&) const = default;
};

/// From the text of /proc/PID/stat; 0 when it is none. A program chooses its own name: it may hold spaces and brackets.
[[nodiscard]] std::uint64_t parse_start_time(std::string_view stat) noexcept;

/// Of a process that runs, or has not been waited for; start_time is 0 when /proc shows none. Throws Error (system).
[[nodiscard]] ProcessIdentity identify(pid_t pid);

/// There is such a process, but /proc does not show it: nothing may be concluded from that.
[[noreturn]] void throw_unseen(pid_t pid);

/// A pidfd of that very process. Empty when it has ended, waited for or not. Throws Error (system).
[[nodiscard]] UniqueFd open_process(Kernel& kernel, const ProcessIdentity& process);

/// Has the process of this pidfd ended?
[[nodiscard]] bool has_ended(Kernel& kernel, int pidfd);

}  // namespace smith::runtime
