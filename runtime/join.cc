// SPDX-License-Identifier: Apache-2.0
//
// One more process in a container that runs.
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "base/error.h"
#include "runtime/child.h"
#include "runtime/container.h"
#include "runtime/container_parts.h"
#include "runtime/listener.h"
#include "runtime/namespaces.h"
#include "runtime/proc_file.h"
#include "runtime/process_identity.h"
#include "runtime/rlimits.h"

namespace smith::runtime {

namespace {

struct NamespaceFile {
    const char* name;
    std::uint64_t flag;
};

constexpr std::array kNamespaceFiles = {
    NamespaceFile{"user", CLONE_NEWUSER}, NamespaceFile{"mnt", CLONE_NEWNS},  NamespaceFile{"pid", CLONE_NEWPID},
    NamespaceFile{"net", CLONE_NEWNET},   NamespaceFile{"ipc", CLONE_NEWIPC}, NamespaceFile{"uts", CLONE_NEWUTS},
    NamespaceFile{"cgroup", 0x02000000},  NamespaceFile{"time", 0x00000080},
};

/// The namespaces of the container that are not our own: entering one's own user namespace is an error to the kernel.
/// Those of the process that `init.pidfd` is: it has not ended after they have been looked at.
std::uint64_t foreign_namespaces(Kernel& kernel, const ContainerInit& init) {
    std::uint64_t flags = 0;
    for (const NamespaceFile& file : kNamespaceFiles) {
        struct stat theirs {};
        struct stat ours {};
        const std::string name = std::string("/ns/") + file.name;
        if (stat(("/proc/self" + name).c_str(), &ours) != 0) continue;  // a kernel without this kind
        if (stat(("/proc/" + std::to_string(init.pid) + name).c_str(), &theirs) != 0) {
            throw system_error(errno, "looking at the namespaces of the container");
        }
        if (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev) flags |= file.flag;
    }
    if (has_ended(kernel, init.pidfd)) throw Error(ErrorKind::system, "container not running");
    return flags;
}

/// Where a container without a mount namespace of its own has been chrooted. By the process, not by the path: who knows
/// what is mounted there now.
void find_shared_root(const RuntimeConfig& config, const ContainerInit& init, Plan& plan) {
    if ((config.namespaces & CLONE_NEWNS) != 0) return;
    plan.root_place = RootPlace::chroot;
    plan.root.tree = open_file("/proc/" + std::to_string(init.pid) + "/root", O_PATH | O_DIRECTORY);
}

/// What the two processes of a joining child have told.
struct Told {
    pid_t pid = 0;  ///< of the second one
    bool launched = false;
    std::optional<Failure> failure;
};

/// They write in any order, and both are done when the pipe ends. With `kill` the second one is killed as soon as it is
/// known.
Told listen_to(Kernel& kernel, int status, bool kill) {
    Told told;
    Failure report{};
    while (read_report(status, report)) {
        if (report.error_number != 0)
            told.failure = report;
        else if (report.step == StepId::join_container)
            told.pid = static_cast<pid_t>(report.item);
        else if (report.step == StepId::launch_exec)
            told.launched = true;
        if (!kill || told.pid <= 0 || report.step != StepId::join_container) continue;
        // Our child, not waited for: the number is its own.
        const Result opened = kernel.open_pidfd(told.pid);
        if (opened < 0) continue;
        const UniqueFd pidfd(static_cast<int>(opened));
        static_cast<void>(kernel.send_signal(pidfd.get(), SIGKILL));
    }
    return told;
}

void reap_first(Kernel& kernel, int pidfd) {
    siginfo_t info{};
    static_cast<void>(kernel.wait_for_exit(pidfd, info, WEXITED | __WALL));
}

}  // namespace

Container Container::join(const RuntimeConfig& config, const ContainerInit& init, CreateOptions options) {
    Kernel& kernel = options.kernel != nullptr ? *options.kernel : linux_kernel();
    Plan plan = make_process_plan(kernel, config, std::move(options.plan));
    find_shared_root(config, init, plan);
    plan.namespaces = foreign_namespaces(kernel, init);
    const CgroupEntrance entrance = entrance_to(options.enter, kernel);
    const UniqueFd null = open_file("/dev/null", O_RDWR);
    Pipe status = make_pipe();
    Pipe go = make_pipe();
    StartGate gate{std::move(status.read), std::move(status.write), UniqueFd()};
    ChildChannels channels = make_channels(options.stdio, null.get(), gate, go);
    channels.die_with_parent = false;
    channels.join = init.pidfd;
    channels.join_namespaces = plan.namespaces;
    channels.cgroups = &entrance;
    hand_over_pipes(options.stdio, config);

    const SignalsBlocked blocked;
    int pidfd = -1;
    const Result first = kernel.clone(0, SIGCHLD, pidfd, entrance.unified.get());
    if (first == 0) run_joining_child(kernel, plan, channels);
    if (first < 0) throw system_error(static_cast<int>(-first), "starting a process in the container's cgroup");
    UniqueFd first_fd(pidfd);
    gate.status_write.reset();
    go.read.reset();
    try {
        if (options.on_birth) options.on_birth(static_cast<pid_t>(first), options.enter);
        raise_hard_limits(kernel, static_cast<pid_t>(first), config.process.rlimits);
        if (config.process.oom_score_adj) {
            write_proc_file(static_cast<pid_t>(first), "oom_score_adj", std::to_string(*config.process.oom_score_adj));
        }
        write_all(go.write.get(), as_bytes("g"));
    } catch (const Error&) {
        go.write.reset();  // which it takes for our end, and so ends
        reap_first(kernel, first_fd.get());
        throw;
    }
    std::optional<Courier> courier;
    if (plan.listener.wanted()) courier.emplace(kernel, std::move(first_fd));
    bool served = true;
    if (courier) {
        served = serve_listener(*courier, plan, [&](pid_t pid) { return options.state(pid, true); });
        if (!served) go.write.reset();
    }
    const Told told = listen_to(kernel, gate.status_read.get(), !served);
    if (!courier) reap_first(kernel, first_fd.get());
    std::optional<Container> container;
    if (told.pid > 0) {
        const Result opened = kernel.open_pidfd(told.pid);
        if (opened < 0) throw system_error(static_cast<int>(-opened), "opening process " + std::to_string(told.pid));
        container.emplace(Container(kernel, told.pid, UniqueFd(static_cast<int>(opened)), plan.namespaces));
    }
    if (told.failure) throw_failure(*told.failure, plan);
    if (!told.launched || !container)
        throw Error(ErrorKind::system, "it was killed before its program could be started");
    return std::move(*container);
}

}  // namespace smith::runtime
