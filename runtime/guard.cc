// SPDX-License-Identifier: Apache-2.0
#include "runtime/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>

#include "base/error.h"

namespace smith::runtime {

namespace {

// Where the guard keeps the only descriptors that it has.
constexpr int kContainer = 0;
constexpr int kParent = 1;
constexpr int kReady = 2;

/// Nothing of the caller's may stay open because of us: no pipe that somebody waits to see the end of.
Result keep_only(Kernel& kernel, int container, int parent, int ready) noexcept {
    constexpr int out_of_the_way = 16;
    int sources[] = {container, parent, ready};
    for (int& fd : sources) {
        const Result moved = kernel.duplicate_at_least(fd, out_of_the_way);
        if (moved < 0) return moved;
        fd = static_cast<int>(moved);
    }
    for (int place = kContainer; place <= kReady; ++place) {
        const Result put = kernel.duplicate_to(sources[place], place);
        if (put < 0) return put;
    }
    return kernel.close_from(kReady + 1);
}

/// Between fork and exit: no allocation, no locks, only the Kernel.
[[noreturn]] void guard(Kernel& kernel, int container, int parent, int ready) noexcept {
    // Out of reach of what is meant for the caller's process group or terminal; all signals are blocked already.
    static_cast<void>(kernel.new_session());
    static_cast<void>(kernel.control(PR_SET_NAME, reinterpret_cast<unsigned long>("smith-guard")));
    static_cast<void>(kernel.change_directory("/"));
    if (keep_only(kernel, container, parent, ready) < 0 || kernel.write(kReady, "r", 1) != 1) kernel.exit_now(1);
    static_cast<void>(kernel.close(kReady));
    pollfd ends[2] = {{kContainer, POLLIN, 0}, {kParent, POLLIN, 0}};
    while (kernel.poll(ends, 2, -1) <= 0) {
    }
    if (ends[0].revents == 0) static_cast<void>(kernel.send_signal(kContainer, SIGKILL));
    kernel.exit_now(0);
}

Error not_started(int error_number) { return system_error(error_number, "starting the container's guard"); }

}  // namespace

UniqueFd start_guard(Kernel& kernel, int container) {
    const Result self = kernel.open_pidfd(getpid());
    if (self < 0) throw not_started(static_cast<int>(-self));
    const UniqueFd parent(static_cast<int>(self));
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) throw not_started(errno);
    const UniqueFd heard(fds[0]);
    UniqueFd ready(fds[1]);
    int pidfd = -1;
    // No exit signal: a program's own handling of SIGCHLD and waitpid(-1) does not notice this child.
    const Result pid = kernel.clone(0, 0, pidfd);
    if (pid == 0) guard(kernel, container, parent.get(), ready.get());
    if (pid < 0) throw not_started(static_cast<int>(-pid));
    UniqueFd started(pidfd);
    ready.reset();
    std::byte answer{};
    if (read_some(heard.get(), std::span(&answer, 1)) != 1) {
        siginfo_t info{};
        static_cast<void>(kernel.wait_for_exit(started.get(), info, WEXITED | __WALL));
        throw not_started(EIO);
    }
    return started;
}

}  // namespace smith::runtime
