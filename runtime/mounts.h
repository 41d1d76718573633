// SPDX-License-Identifier: Apache-2.0
//
// The container's view of files, built by the child before it enters it. Each mount is made detached, gets its
// attributes, and is then moved to a place that was opened beneath the container's root (openat2, RESOLVE_IN_ROOT):
// from the opening of a place on, there is only its descriptor, so no symlink in an image, and nobody who swaps one
// while we look, can lead a mount elsewhere (CVE-2021-30465, CVE-2024-45310, CVE-2025-31133, CVE-2025-52565).
//
// All functions run between clone and execve.
#pragma once

#include <cstdint>

#include "runtime/failure.h"
#include "runtime/kernel.h"
#include "runtime/plan.h"

namespace smith::runtime {

/// mount(2)'s MS_PRIVATE and MS_SLAVE, which mount_setattr takes too.
inline constexpr std::uint64_t kUnbindable = 1U << 17U;
inline constexpr std::uint64_t kPrivatePropagation = 1U << 18U;
inline constexpr std::uint64_t kSlavePropagation = 1U << 19U;
inline constexpr std::uint64_t kSharedPropagation = 1U << 20U;

/// What the steps hand on, and what they say when they fail.
struct Stage {
    Kernel& kernel;
    const Plan& plan;
    int root = -1;                      ///< the new root, once it is placed
    int console = -1;                   ///< the program's terminal, once it is open
    int proc = -1;                      ///< a proc that is mounted nowhere, where the program has a label
    std::uint32_t item = 0;             ///< see Failure
    char text[kFailureTextBytes] = {};  ///< see Failure
};

/// A detached copy of a bind mount's source, private (or slave, where asked): a descriptor, or -errno. -ENODEV where a
/// device was expected and something else found. Also called by the parent.
Result clone_source(Kernel& kernel, const PlannedMount& mount) noexcept;

/// Opens `place` beneath the stage's root (O_PATH), and makes what is missing of it: directories, and at the end a
/// directory or an empty file.
Result open_place(Stage& stage, const Place& place, bool refuse_symlinks, bool directory) noexcept;
/// Opens what the container has at `path`, by no link, if it is on a file system of this statfs(2) type; -EXDEV if it
/// is on another.
Result open_on(Stage& stage, const char* path, std::uint64_t flags, Result type) noexcept;
/// Attaches one mount of the plan to its place in the root.
Result mount_one(Stage& stage, const PlannedMount& mount) noexcept;
/// The directory that `place` is in, made where it is missing; or -errno.
Result open_parent(Stage& stage, const Place& place) noexcept;

// The steps, see StepId.
Result detach_propagation(Stage& stage) noexcept;
Result place_root(Stage& stage) noexcept;
Result mount_file_systems(Stage& stage) noexcept;
Result make_dev_links(Stage& stage) noexcept;
Result write_sysctls(Stage& stage) noexcept;
Result cover_paths(Stage& stage) noexcept;
Result seal_root(Stage& stage) noexcept;
Result enter_root(Stage& stage) noexcept;
Result enter_cwd(Stage& stage) noexcept;

}  // namespace smith::runtime
