// SPDX-License-Identifier: Apache-2.0
//
// How the kernel runs the process: execution domain, scheduling policy, I/O priority, NUMA memory policy and
// processors. runtime-spec config.md, "Linux Process"; config-linux.md, "Personality" and "Memory policy".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/kernel.h"

namespace smith::runtime {

/// The kernel's struct sched_attr as of Linux 5.3 (sched_setattr(2)), which libc does not have.
struct SchedulerAttributes {
    std::uint32_t size = 56;
    std::uint32_t policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime_ns = 0;
    std::uint64_t deadline_ns = 0;
    std::uint64_t period_ns = 0;
    std::uint32_t clamp_min = 0;
    std::uint32_t clamp_max = 1024;
};

struct MemoryPolicy {
    int mode = 0;                      ///< MPOL_*, with MPOL_F_*
    std::vector<unsigned long> nodes;  ///< a bit a node
};

/// A set of processors, as sched_setaffinity(2) takes it.
using Processors = std::vector<unsigned long>;

struct SchedulingConfig {
    std::optional<unsigned long> personality;
    std::optional<SchedulerAttributes> scheduler;
    std::optional<int> io_priority;  ///< class and level, as ioprio_set(2) takes them
    std::optional<MemoryPolicy> memory_policy;
    // Of processes that `exec` adds, before and after they are in the container's cgroup. Empty: not given.
    Processors initial_processors;
    Processors final_processors;
};

/// Bits of "0-3,7"; none when it is not such a list, or has a number above 4095.
[[nodiscard]] std::optional<std::vector<unsigned long>> bits_of_list(const std::string& list);

/// Applies all but the processors. Between clone and execve, while the process has its capabilities.
Result apply_scheduling(Kernel& kernel, const SchedulingConfig& config) noexcept;

}  // namespace smith::runtime
