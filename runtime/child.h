// SPDX-License-Identifier: Apache-2.0
//
// The child's way from clone to execve: an ordered table of steps. Nothing in it allocates, throws or takes a lock,
// since the parent may have had threads that held one. What fails is reported to the parent as a Failure, which says of
// it one sentence.
#pragma once

#include <string>

#include "runtime/cgroups.h"
#include "runtime/failure.h"
#include "runtime/kernel.h"
#include "runtime/plan.h"

namespace smith::runtime {

/// The child's ends of its descriptors, by number; the parent's ends are closed first.
struct ChildChannels {
    int in = 0;
    int out = 1;
    int err = 2;
    int status = -1;  ///< write end: a Failure, or nothing and its end
    int go = -1;      ///< read end: a byte each time the parent is done; the end, when the parent is dead
    int gate = -1;    ///< read end: a byte when the program is to be started; -1 where nobody waits for that
    int join = -1;    ///< a pidfd of the container that this process is to join
    std::uint64_t join_namespaces = 0;
    int parent_status = -1;
    int parent_go = -1;
    bool die_with_parent = true;
    const CgroupEntrance* cgroups = nullptr;  ///< the parent's, or null
};

/// Runs the steps; the last one replaces this process by the launcher.
[[noreturn]] void run_child(Kernel& kernel, const Plan& plan, const ChildChannels& channels) noexcept;

/// The same for one more process of a container that runs: it joins `channels.join`, and forks, for a PID namespace
/// holds those who come after. The second process is the caller's child too; the first reports its id and ends.
[[noreturn]] void run_joining_child(Kernel& kernel, const Plan& plan, const ChildChannels& channels) noexcept;

/// One report of a child or launcher: false at the end. Throws Error (system).
[[nodiscard]] bool read_report(int status, Failure& report);
[[noreturn]] void throw_failure(const Failure& report, const Plan& plan);
/// Reads reports until the pipe ends. Throws what one of them, or their lack, means.
void wait_for_execve(int status, const Plan& plan);
/// Reads one, which must be `word`. Throws what it means when it is not.
void wait_for_word(int status, StepId word, const Plan& plan);

/// "mounting proc on '/proc': move_mount: Operation not permitted", and what would help where we know it.
[[nodiscard]] std::string describe_failure(const Failure& failure, const Plan& plan);

}  // namespace smith::runtime
