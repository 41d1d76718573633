// SPDX-License-Identifier: Apache-2.0
#include "runtime/guard.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/error.h"

namespace smith::runtime {

namespace {

/// Between fork and exit: no allocation, no locks, only the Kernel.
[[noreturn]] void guard(Kernel& kernel, int container, int parent) noexcept {
    // Out of reach of what is meant for the caller's process group or terminal; all signals are blocked already.
    static_cast<void>(kernel.new_session());
    static_cast<void>(kernel.control(PR_SET_NAME, reinterpret_cast<unsigned long>("smith-guard")));
    static_cast<void>(kernel.change_directory("/"));
    // Nothing of the caller's may stay open because of us: no pipe that somebody waits to see the end of.
    constexpr int out_of_the_way = 16;
    const Result held_container = kernel.duplicate_at_least(container, out_of_the_way);
    const Result held_parent = kernel.duplicate_at_least(parent, out_of_the_way);
    if (held_container >= 0 && held_parent >= 0) {
        static_cast<void>(kernel.duplicate_to(static_cast<int>(held_container), 0));
        static_cast<void>(kernel.duplicate_to(static_cast<int>(held_parent), 1));
        static_cast<void>(kernel.close_from(2));
        pollfd ends[2] = {{0, POLLIN, 0}, {1, POLLIN, 0}};
        while (kernel.poll(ends, 2, -1) <= 0) {
        }
        if (ends[0].revents != 0) kernel.exit_now(0);
    }
    static_cast<void>(kernel.send_signal(held_container >= 0 ? 0 : container, SIGKILL));
    kernel.exit_now(0);
}

}  // namespace

UniqueFd start_guard(Kernel& kernel, int container) {
    const Result self = kernel.open_pidfd(getpid());
    if (self < 0) throw system_error(static_cast<int>(-self), "starting the container's guard");
    const UniqueFd parent(static_cast<int>(self));
    int pidfd = -1;
    // No exit signal: a program's own handling of SIGCHLD and waitpid(-1) does not notice this child.
    const Result pid = kernel.clone(0, 0, pidfd);
    if (pid < 0) throw system_error(static_cast<int>(-pid), "starting the container's guard");
    if (pid == 0) guard(kernel, container, parent.get());
    return UniqueFd(pidfd);
}

}  // namespace smith::runtime
