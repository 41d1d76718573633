// SPDX-License-Identifier: Apache-2.0
#include "runtime/usher.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "base/error.h"
#include "runtime/namespaces.h"

namespace smith::runtime {

namespace {

/// What the usher tells.
struct Word {
    Result pid = 0;          ///< of the contained process, or -errno
    std::uint64_t flag = 0;  ///< the namespace that it is about
    bool joining = false;    ///< it was to be entered, not made
};

/// Each by its own right first, since a user namespace that is entered takes the rights to what is outside of it; then
/// the user namespace; then what is left, which belongs to that.
Result enter_all(Kernel& kernel, const Plan& plan, std::uint64_t& failed) noexcept {
    std::uint64_t left = 0;
    Result user = 0;
    for (const PlannedNamespace& joined : plan.joined) {
        failed = joined.flag;
        if (joined.flag == CLONE_NEWUSER) continue;
        if (joined.flag == CLONE_NEWNS) continue;
        const Result entered = kernel.join_namespaces(joined.fd.get(), joined.flag);
        if (entered == -EPERM) {
            left |= joined.flag;
        } else if (entered < 0) {
            return entered;
        }
    }
    for (const PlannedNamespace& joined : plan.joined) {
        if (joined.flag != CLONE_NEWUSER) continue;
        failed = joined.flag;
        user = kernel.join_namespaces(joined.fd.get(), joined.flag);
        if (user < 0) return user;
    }
    for (const PlannedNamespace& joined : plan.joined) {
        failed = joined.flag;
        const bool now = (left & joined.flag) != 0 || joined.flag == CLONE_NEWNS;
        if (!now) continue;
        const Result entered = kernel.join_namespaces(joined.fd.get(), joined.flag);
        if (entered < 0) return entered;
    }
    return 0;
}

Result make_time_namespace(Kernel& kernel, const Plan& plan) noexcept {
    const Result made = kernel.leave_namespaces(kTimeNamespace);
    if (made < 0 || plan.time_offsets.empty()) return made;
    const Result file = kernel.open_path("/proc/self/timens_offsets", O_WRONLY);
    if (file < 0) return file;
    const Result type = kernel.file_system_type(static_cast<int>(file));
    if (type != PROC_SUPER_MAGIC) return type < 0 ? type : -EXDEV;
    const Result written = kernel.write(static_cast<int>(file), plan.time_offsets.data(), plan.time_offsets.size());
    kernel.close(static_cast<int>(file));
    return written < 0 ? written : 0;
}

/// Returns 0 in the contained process only.
Result usher(Kernel& kernel, const Plan& plan, int cgroup, int channel) noexcept {
    Word word;
    int pidfd = -1;
    word.joining = true;
    word.pid = enter_all(kernel, plan, word.flag);
    if (word.pid >= 0) {
        word.joining = false;
        word.flag = kTimeNamespace;
        if ((plan.namespaces & kTimeNamespace) != 0) word.pid = make_time_namespace(kernel, plan);
    }
    if (word.pid >= 0) {
        word.flag = plan.namespaces & kClonedNamespaces;
        word.pid = kernel.clone(word.flag | CLONE_PARENT | courier_flags(plan), 0, pidfd, cgroup);
        if (word.pid == 0) return 0;
    }
    // The one word that must arrive: without it nobody knows of the process, to wait for it.
    constexpr int attempts = 16;
    for (int i = 0; i < attempts && kernel.write(channel, &word, sizeof word) != sizeof word; ++i) {
    }
    if (word.pid > 0 && plan.listener.wanted()) be_courier(kernel, plan, static_cast<pid_t>(word.pid), pidfd);
    kernel.exit_now(0);
}

bool needs_usher(const Plan& plan) {
    return !plan.joined.empty() || (plan.namespaces & kTimeNamespace) != 0 || plan.listener.wanted();
}

[[noreturn]] void throw_refusal(const Word& word, int cgroup) {
    std::string doing = word.joining ? "entering the namespace " : "making the namespaces ";
    doing += namespace_names(word.flag);
    if (!word.joining && cgroup >= 0) doing += " and a process in its cgroup";
    throw system_error(static_cast<int>(-word.pid), doing);
}

}  // namespace

UniqueFd open_namespace(Kernel& kernel, const JoinedNamespace& joined) {
    const Result fd = kernel.open_path(joined.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) throw system_error(static_cast<int>(-fd), "opening the namespace " + quote(joined.path));
    UniqueFd opened(static_cast<int>(fd));
    const Result type = kernel.file_system_type(opened.get());
    const Result flag = type == NSFS_MAGIC ? kernel.io_control(opened.get(), NS_GET_NSTYPE, nullptr) : -EINVAL;
    if (flag < 0 || static_cast<std::uint64_t>(flag) != joined.flag) {
        throw Error(ErrorKind::spec,
                    quote(joined.path) + " is not a namespace of the kind " + namespace_names(joined.flag) +
                        (flag > 0 ? ", but " + namespace_names(static_cast<std::uint64_t>(flag)) : ""));
    }
    return opened;
}

pid_t make_contained_process(Kernel& kernel, const Plan& plan, int cgroup, UniqueFd& pidfd,
                             std::optional<Courier>& courier) {
    int descriptor = -1;
    if (!needs_usher(plan)) {
        const Result pid = kernel.clone(plan.namespaces & kClonedNamespaces, SIGCHLD, descriptor, cgroup);
        if (pid < 0) throw_refusal({pid, plan.namespaces & kClonedNamespaces, false}, cgroup);
        if (pid > 0) pidfd = UniqueFd(descriptor);
        return static_cast<pid_t>(pid);
    }
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    const UniqueFd heard(fds[0]);
    UniqueFd told(fds[1]);
    // Its exit signal becomes that of the contained process, which has the same parent.
    const Result usher_pid = kernel.clone(0, SIGCHLD, descriptor);
    if (usher_pid < 0) throw system_error(static_cast<int>(-usher_pid), "starting a process that enters namespaces");
    if (usher_pid == 0) {
        const Result pid = usher(kernel, plan, cgroup, told.get());
        // Here is the contained process. Its descriptors may be the courier's too, who has yet to tell.
        static_cast<void>(told.release());
        return static_cast<pid_t>(pid);
    }
    UniqueFd usher_fd(descriptor);
    told.reset();
    Word word;
    // The end of the pipe says nothing where the contained process has the other end as well.
    pollfd news[2] = {{heard.get(), POLLIN, 0}, {usher_fd.get(), POLLIN, 0}};
    while (kernel.poll(news, 2, -1) == -EINTR) {
    }
    // It may have spoken after the one was looked at, and ended before the other was.
    if (news[0].revents == 0) static_cast<void>(kernel.poll(news, 1, 0));
    const bool spoke = (news[0].revents & POLLIN) != 0;
    const std::size_t got = spoke ? read_some(heard.get(), std::as_writable_bytes(std::span(&word, 1))) : 0;
    if (got == sizeof word && word.pid > 0 && plan.listener.wanted()) {
        courier.emplace(kernel, std::move(usher_fd));
    } else {
        siginfo_t info{};
        static_cast<void>(kernel.wait_for_exit(usher_fd.get(), info, WEXITED | __WALL));
    }
    if (got != sizeof word) throw Error(ErrorKind::system, "the process that enters namespaces was killed");
    if (word.pid < 0) throw_refusal(word, cgroup);
    const auto pid = static_cast<pid_t>(word.pid);
    // Nobody but us may wait for it, so the number is still its own.
    const Result opened = kernel.open_pidfd(pid);
    if (opened < 0) {
        static_cast<void>(::kill(pid, SIGKILL));
        static_cast<void>(waitpid(pid, nullptr, __WALL));
        throw system_error(static_cast<int>(-opened), "opening the contained process");
    }
    pidfd = UniqueFd(static_cast<int>(opened));
    return pid;
}

}  // namespace smith::runtime
