// SPDX-License-Identifier: Apache-2.0
//
// What the contained child says when one of its steps fails. Between clone and execve nothing may be allocated and no
// exception may pass, so the child sends these few bytes through a pipe and the parent makes a sentence of them
// (child.h). The launcher, which has no libc, sends them too: this header includes nothing that needs one.
#pragma once

#include <cstdint>

namespace smith::runtime {

/// The steps from clone to execve, in their order. `child.cc` has the table that goes with it.
enum class StepId : std::uint32_t {
    wait_for_parent,
    enter_cgroups,
    late_namespaces,
    become_setup_user,
    new_session,
    host_name,
    loopback,
    net_devices,
    detach_propagation,
    place_root,
    mount_file_systems,
    make_devices,
    make_dev_links,
    open_console,
    write_sysctls,
    open_own_proc,
    cover_paths,
    run_hooks,
    seal_root,
    enter_root,
    enter_cwd,
    arrange_descriptors,
    limit_resources,
    schedule,
    early_seccomp,
    drop_privileges,
    die_with_parent,
    late_seccomp,
    start_launcher,
    // From here on it is the launcher that speaks.
    launch_read,
    launch_wait,
    launch_label,
    launch_seccomp,
    launch_exec,
    // Of `exec` only: the steps that differ.
    join_container,
    open_root,
};

inline constexpr unsigned kFailureTextBytes = 112;

struct Failure {
    StepId step;
    /// 0: no failure, but a word: run_hooks, the file systems are in place and the caller's hooks may run; launch_wait,
    /// all is done and the program waits to be started; launch_exec, it is about to be executed; join_container, it is
    /// the process `item`.
    std::int32_t error_number;
    /// The number of the system call that was refused; -1 when it was none.
    std::int32_t call;
    /// Which one of the step's mounts, paths or limits, counted from 0.
    std::uint32_t item;
    /// What the kernel itself had to say (fsopen's log), or nothing.
    char text[kFailureTextBytes];
};

/// Where the launcher finds what it needs: right behind the descriptors that the program is to inherit, so that a small
/// RLIMIT_NOFILE does not matter. The launcher itself is the last of them; its number it knows from the kernel, which
/// calls it "/dev/fd/N" (AT_EXECFN).
inline constexpr int kFirstLauncherFd = 3;
enum LauncherFd : int { kStatusFd, kOrdersFd, kGateFd, kProcFd, kLauncherFd, kLauncherFdCount };

/// The bytes at the orders' descriptor; `instruction_count` instructions of 8 bytes follow (struct sock_filter), and
/// `label_bytes` of labels: a file below the proc at kProcFd, a NUL, what is to be written to it, a NUL, and so on.
struct LauncherOrders {
    std::uint32_t magic;
    std::uint32_t seccomp_flags;
    std::uint32_t instruction_count;  ///< 0: no filter is to be loaded
    std::uint32_t wait;               ///< not 0: say so when ready, and go on when a byte comes from the gate
    std::uint32_t label_bytes;        ///< 0: the program gets no label
};
inline constexpr std::uint32_t kOrdersMagic = 0x736d6c33;
inline constexpr std::uint32_t kMaxLabelBytes = 4096;
/// The kernel's own limit (BPF_MAXINSNS).
inline constexpr std::uint32_t kMaxFilterInstructions = 4096;

}  // namespace smith::runtime
