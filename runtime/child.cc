// SPDX-License-Identifier: Apache-2.0
#include "runtime/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>

#include "runtime/caps.h"
#include "runtime/console.h"
#include "runtime/devices.h"
#include "runtime/hooks.h"
#include "runtime/labels.h"
#include "runtime/listener.h"
#include "runtime/mounts.h"
#include "runtime/namespaces.h"
#include "runtime/net_devices.h"
#include "runtime/rlimits.h"

namespace smith::runtime {

namespace {

/// What a child is told by its parent's death, seen from outside: as if by the signal that would have come anyway.
constexpr int kOrphaned = 128 + SIGKILL;

struct Child : Stage {
    Child(Kernel& kernel_, const Plan& plan_, const ChildChannels& channels_) noexcept
        : Stage{kernel_, plan_}, channels(channels_) {}
    ChildChannels channels;
    int launcher = -1;
    int orders = -1;
};

Result wait_for_go(Child& child) noexcept {
    char go = 0;
    const Result got = child.kernel.read(child.channels.go, &go, 1);
    if (got == 0) child.kernel.exit_now(kOrphaned);
    return got < 0 ? got : 0;
}

/// Where that is allowed. Whether a user namespace that exists allows it shows when it is tried.
Result set_additional_groups(Child& child, const std::uint32_t* groups, std::size_t count) noexcept {
    if (!child.plan.may_set_groups) return 0;
    const Result set = child.kernel.set_additional_groups(groups, count);
    const bool entered = child.plan.user_namespace && (child.plan.namespaces & CLONE_NEWUSER) == 0;
    return set == -EPERM && entered && count == 0 ? 0 : set;
}

/// The user namespace has no ids until the parent has written its maps.
Result wait_for_parent(Child& child) noexcept {
    child.kernel.close(child.channels.parent_status);
    child.kernel.close(child.channels.parent_go);
    Result free = wait_for_go(child);
    // With `exec`, this process is to become the courier.
    if (free >= 0 && child.channels.join < 0) free = wait_for_courier(child.kernel, child.plan, child.channels.go);
    if (free < 0) return free;
    // Until execve this is our memory, and /proc/PID/exe our program: nobody in the container may look at either, or
    // open it to write to it (CVE-2019-5736, CVE-2016-9962). Not before: our parent's files below /proc/PID are
    // written.
    return child.kernel.control(PR_SET_DUMPABLE, 0);
}

/// Each write moves the one thread that makes it: no other process must stand still for that.
Result enter_cgroups(Child& child) noexcept {
    if (child.channels.cgroups == nullptr) return 0;
    for (const CgroupEntrance::Tasks& tasks : child.channels.cgroups->legacy) {
        const Result entered = child.kernel.write(tasks.file.get(), "0", 1);
        if (entered < 0) {
            std::strncpy(child.text, tasks.directory.c_str(), sizeof child.text - 1);
            return entered;
        }
    }
    return 0;
}

/// Tells the parent, who waits for it; see Failure.
Result say(Child& child, StepId step, std::uint32_t item) noexcept {
    Failure word{};
    word.step = step;
    word.item = item;
    const Result written = child.kernel.write(child.channels.status, &word, sizeof word);
    return written < 0 ? written : 0;
}

/// The caller's hooks first, then those of the container's namespaces, which this process runs.
Result run_hooks_in_order(Child& child) noexcept {
    const Plan& plan = child.plan;
    if (!plan.pause_for_hooks) return 0;
    Result result = say(child, StepId::run_hooks, 0);
    if (result >= 0) result = wait_for_go(child);
    for (const PlannedHook& hook : plan.planned_container_hooks) {
        if (result < 0) return result;
        result = run_hook(child.kernel, hook, plan.hook_state.get(), child.text);
        if (result >= 0) ++child.item;
    }
    return result;
}

/// Into the namespaces of a running container, and into its PID namespace by one more fork.
Result join_container(Child& child) noexcept {
    Kernel& kernel = child.kernel;
    const ChildChannels& channels = child.channels;
    if (channels.join_namespaces != 0) {
        const Result joined = kernel.join_namespaces(channels.join, channels.join_namespaces);
        if (joined < 0) return joined;
    }
    int pidfd = -1;
    const Result pid = kernel.clone(CLONE_PARENT | courier_flags(child.plan), 0, pidfd);
    if (pid < 0) return pid;
    if (pid == 0) return wait_for_courier(kernel, child.plan, channels.go);
    // The one word that must arrive: without it nobody knows of the process, to wait for it.
    constexpr int attempts = 16;
    Result told = -EIO;
    for (int i = 0; i < attempts && told < 0; ++i) {
        told = say(child, StepId::join_container, static_cast<std::uint32_t>(pid));
    }
    if (told < 0) static_cast<void>(kernel.send_signal(pidfd, SIGKILL));
    if (told >= 0 && child.plan.listener.wanted()) be_courier(kernel, child.plan, static_cast<pid_t>(pid), pidfd);
    kernel.exit_now(told < 0 ? 127 : 0);
}

/// In a container's mount namespace the current root is the container's own. In one that others are in, the container
/// has been chrooted, and so must be who joins it.
Result open_root(Child& child) noexcept {
    if (child.plan.root_place == RootPlace::chroot) {
        Result entered = child.kernel.change_directory(child.plan.root.tree.get());
        if (entered >= 0) entered = child.kernel.change_root_here();
        if (entered < 0) return entered;
    }
    const Result root = child.kernel.open_path("/", O_PATH | O_DIRECTORY);
    child.root = static_cast<int>(root);
    return root < 0 ? root : 0;
}

/// From an id of the host that may not even be mapped to the one that owns what we make here. The caller's groups go,
/// where that is allowed; an ordinary user without a range keeps them.
Result become_setup_user(Child& child) noexcept {
    const Plan& plan = child.plan;
    child.kernel.set_umask(0);
    const Result groups = set_additional_groups(child, nullptr, 0);
    if (groups < 0) return groups;
    const Result group = child.kernel.set_groups(plan.setup_gid);
    if (group < 0) return group;
    return child.kernel.set_users(plan.setup_uid);
}

Result new_session(Child& child) noexcept {
    // Without the caller's terminal as controlling terminal: nobody can type for the user with TIOCSTI.
    const Result session = child.kernel.new_session();
    if (session < 0) return session;
    // Without the caller's keys. Some sandboxes do not allow the question; then there are none either.
    const Result keyring = child.plan.new_keyring ? child.kernel.new_session_keyring() : 0;
    if (keyring < 0 && keyring != -ENOSYS && keyring != -EPERM && keyring != -EDQUOT) return keyring;
    // What smith ignores or blocks, the program must not: both would survive execve.
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        const Result set = child.kernel.default_signal_action(signal);
        if (set < 0 && set != -EINVAL) return set;
    }
    return child.kernel.unblock_all_signals();
}

/// First all of them out of the way, then each to its place: the numbers may overlap in any manner.
Result arrange_descriptors(Child& child) noexcept {
    const int first = kFirstLauncherFd + static_cast<int>(child.plan.preserved_fds);
    const int out_of_the_way = first + kLauncherFdCount;
    ChildChannels& channels = child.channels;
    if (child.console >= 0) channels.in = channels.out = channels.err = child.console;
    child.launcher = child.plan.launcher.get();
    child.orders = child.plan.orders.get();
    // No place may stay empty: what the caller left there would be the program's.
    if (channels.gate < 0) channels.gate = channels.status;
    if (child.proc < 0) child.proc = channels.status;
    for (int* fd : {&channels.in, &channels.out, &channels.err, &channels.status, &channels.go, &channels.gate,
                    &child.launcher, &child.orders, &child.proc}) {
        const Result moved = child.kernel.duplicate_at_least(*fd, out_of_the_way);
        if (moved < 0) return moved;
        *fd = static_cast<int>(moved);
    }
    const int places[][2] = {{channels.in, 0},
                             {channels.out, 1},
                             {channels.err, 2},
                             {channels.status, first + kStatusFd},
                             {child.orders, first + kOrdersFd},
                             {channels.gate, first + kGateFd},
                             {child.proc, first + kProcFd},
                             {child.launcher, first + kLauncherFd}};
    for (const auto& place : places) {
        const Result put = child.kernel.duplicate_to(place[0], place[1]);
        if (put < 0) return put;
    }
    channels.status = first + kStatusFd;
    child.launcher = first + kLauncherFd;
    return child.kernel.close_on_exec_from(static_cast<unsigned>(child.launcher));
}

Result limit_resources(Child& child) noexcept {
    child.kernel.set_umask(child.plan.process.umask);
    return set_limits(child.kernel, child.plan.process.rlimits, child.item);
}

/// Processors are chosen for those that `exec` adds only; the first process's are the cgroup's ("execCPUAffinity").
Result schedule(Child& child) noexcept {
    const SchedulingConfig& scheduling = child.plan.process.scheduling;
    const Result result = apply_scheduling(child.kernel, scheduling);
    if (result < 0 || child.channels.join < 0) return result;
    const Processors& chosen =
        scheduling.final_processors.empty() ? scheduling.initial_processors : scheduling.final_processors;
    if (chosen.empty()) return 0;
    return child.kernel.set_affinity(chosen.data(), chosen.size() * sizeof chosen.front());
}

Result early_seccomp(Child& child) noexcept {
    return child.plan.filter_before_privileges_go ? load_own_filter(child.kernel, child.plan) : 0;
}

/// A filter with a listener: from here on each call may wait for an answer, those of the launcher too.
Result late_seccomp(Child& child) noexcept {
    return child.plan.filter_before_privileges_go ? 0 : load_own_filter(child.kernel, child.plan);
}

Result change_identity(Child& child) noexcept {
    const ProcessConfig& process = child.plan.process;
    const Result groups = set_additional_groups(child, process.additional_gids.data(), process.additional_gids.size());
    if (groups < 0) return groups;
    const Result group = child.kernel.set_groups(process.gid);
    if (group < 0) return group;
    return child.kernel.set_users(process.uid);
}

Result drop_privileges(Child& child) noexcept {
    Kernel& kernel = child.kernel;
    const ProcessConfig& process = child.plan.process;
    Result result = cut_bounding_set(kernel, process.capabilities.bounding);
    // Else going from root to somebody else empties the sets that the configuration may want.
    if (result >= 0) result = kernel.control(PR_SET_KEEPCAPS, 1);
    if (result >= 0) result = change_identity(child);
    if (result >= 0) result = kernel.control(PR_SET_KEEPCAPS, 0);
    if (result >= 0) result = limit_capabilities(kernel, process.capabilities);
    if (result >= 0 && process.no_new_privileges) result = kernel.control(PR_SET_NO_NEW_PRIVS, 1);
    // Once more: a change of identity has made it what the host's fs.suid_dumpable says.
    if (result >= 0) result = kernel.control(PR_SET_DUMPABLE, 0);
    return result;
}

/// After the last change of identity, which would have cancelled it. The parent may have died a moment before: then its
/// end of the pipe is closed.
Result die_with_parent(Child& child) noexcept {
    if (child.channels.die_with_parent) {
        const Result set = child.kernel.control(PR_SET_PDEATHSIG, SIGKILL);
        if (set < 0) return set;
    }
    pollfd parent{child.channels.go, 0, 0};
    const Result hung_up = child.kernel.poll(&parent, 1, 0);
    if (hung_up > 0) child.kernel.exit_now(kOrphaned);
    return hung_up;
}

Result start_launcher(Child& child) noexcept {
    return child.kernel.execute(child.launcher, child.plan.arguments.data(), child.plan.environment.data());
}

/// Steps of other files need no more than a Stage.
template <Result (*Function)(Stage&) noexcept>
Result on_stage(Child& child) noexcept {
    return Function(child);
}

struct Step {
    StepId id;
    Result (*run)(Child&) noexcept;
};

constexpr Step kSteps[] = {
    {StepId::wait_for_parent, wait_for_parent},
    {StepId::enter_cgroups, enter_cgroups},
    {StepId::late_namespaces, on_stage<make_late_namespaces>},
    {StepId::become_setup_user, become_setup_user},
    {StepId::new_session, new_session},
    {StepId::host_name, on_stage<set_host_names>},
    {StepId::loopback, on_stage<bring_up_loopback>},
    {StepId::net_devices, on_stage<set_up_net_devices>},
    {StepId::detach_propagation, on_stage<detach_propagation>},
    {StepId::place_root, on_stage<place_root>},
    {StepId::mount_file_systems, on_stage<mount_file_systems>},
    {StepId::make_devices, on_stage<make_devices>},
    {StepId::make_dev_links, on_stage<make_dev_links>},
    {StepId::open_console, on_stage<open_console>},
    {StepId::write_sysctls, on_stage<write_sysctls>},
    {StepId::open_own_proc, on_stage<open_own_proc>},
    {StepId::cover_paths, on_stage<cover_paths>},
    {StepId::run_hooks, run_hooks_in_order},
    {StepId::seal_root, on_stage<seal_root>},
    {StepId::enter_root, on_stage<enter_root>},
    {StepId::enter_cwd, on_stage<enter_cwd>},
    {StepId::arrange_descriptors, arrange_descriptors},
    {StepId::limit_resources, limit_resources},
    {StepId::schedule, schedule},
    {StepId::early_seccomp, early_seccomp},
    {StepId::drop_privileges, drop_privileges},
    {StepId::die_with_parent, die_with_parent},
    {StepId::late_seccomp, late_seccomp},
    {StepId::start_launcher, start_launcher},
};

/// The way of `exec`: where a container is already, only the process has to be made.
constexpr Step kJoiningSteps[] = {
    {StepId::wait_for_parent, wait_for_parent},
    {StepId::enter_cgroups, enter_cgroups},
    {StepId::join_container, join_container},
    {StepId::become_setup_user, become_setup_user},
    {StepId::new_session, new_session},
    {StepId::open_root, open_root},
    {StepId::open_console, on_stage<open_console>},
    {StepId::open_own_proc, on_stage<open_own_proc>},
    {StepId::enter_cwd, on_stage<enter_cwd>},
    {StepId::arrange_descriptors, arrange_descriptors},
    {StepId::limit_resources, limit_resources},
    {StepId::schedule, schedule},
    {StepId::early_seccomp, early_seccomp},
    {StepId::drop_privileges, drop_privileges},
    {StepId::die_with_parent, die_with_parent},
    {StepId::late_seccomp, late_seccomp},
    {StepId::start_launcher, start_launcher},
};

/// The launcher's steps follow those of the table.
constexpr bool in_order() {
    std::uint32_t expected = 0;
    for (const Step& step : kSteps) {
        if (static_cast<std::uint32_t>(step.id) != expected++) return false;
    }
    return static_cast<std::uint32_t>(StepId::launch_read) == expected;
}
static_assert(in_order());

void report(Child& child, StepId step, Result error) noexcept {
    Failure failure{};
    failure.step = step;
    failure.error_number = static_cast<std::int32_t>(-error);
    failure.call = static_cast<std::int32_t>(child.kernel.failed_call());
    failure.item = child.item;
    std::memcpy(failure.text, child.text, sizeof failure.text);
    // Smaller than PIPE_BUF: it arrives whole or not at all. Where even this fails, the parent sees us end.
    static_cast<void>(child.kernel.write(child.channels.status, &failure, sizeof failure));
}

template <std::size_t N>
[[noreturn]] void run_steps(Child& child, const Step (&steps)[N]) noexcept {
    for (const Step& step : steps) {
        child.item = 0;
        const Result result = step.run(child);
        if (result >= 0) continue;
        report(child, step.id, result);
        break;
    }
    child.kernel.exit_now(127);
}

}  // namespace

void run_child(Kernel& kernel, const Plan& plan, const ChildChannels& channels) noexcept {
    Child child(kernel, plan, channels);
    run_steps(child, kSteps);
}

void run_joining_child(Kernel& kernel, const Plan& plan, const ChildChannels& channels) noexcept {
    Child child(kernel, plan, channels);
    run_steps(child, kJoiningSteps);
}

}  // namespace smith::runtime
