// SPDX-License-Identifier: Apache-2.0
//
// The child's way from clone to execve: an ordered table of steps. Nothing in it allocates, throws or takes a lock,
// since the parent may have had threads that held one. What fails is reported to the parent as a Failure, which says of
// it one sentence.
#pragma once

#include <string>

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
    int go = -1;      ///< read end: one byte when the parent is done; the end, when the parent is dead
    int parent_status = -1;
    int parent_go = -1;
    bool die_with_parent = true;
};

/// Runs the steps; the last one replaces this process by the launcher.
[[noreturn]] void run_child(Kernel& kernel, const Plan& plan, const ChildChannels& channels) noexcept;

/// "mounting proc on '/proc': move_mount: Operation not permitted", and what would help where we know it.
[[nodiscard]] std::string describe_failure(const Failure& failure, const Plan& plan);

}  // namespace smith::runtime
