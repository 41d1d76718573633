// SPDX-License-Identifier: Apache-2.0
//
// railcar kill [--all] ID [SIGNAL]
#include <signal.h>

#include <cerrno>

#include "base/error.h"
#include "runtime/signal_name.h"
#include "tools/railcar/lifecycle.h"

namespace smith::railcar {

using namespace runtime;

namespace {

/// Each by a pidfd, and only while it is still one of the container's.
void signal_all(const Found& found, int signal) {
    if (!found.state.cgroups.empty()) return signal_cgroups(found.state.cgroups, signal);
    for (const pid_t pid : processes_of(found)) {
        const ProcessIdentity process = identify(pid);
        const UniqueFd pidfd = open_process(linux_kernel(), process);
        if (pidfd) static_cast<void>(linux_kernel().send_signal(pidfd.get(), signal));
    }
}

void signal_init(const Found& found, int signal) {
    // What waits to be started has no handlers, and as PID 1 would get nothing but SIGKILL.
    const bool killed_instead = found.status == Status::created && ends_by_default(signal);
    const Result sent = linux_kernel().send_signal(found.pidfd.get(), killed_instead ? SIGKILL : signal);
    if (sent == -ESRCH) throw Error(ErrorKind::system, "container not running");
    if (sent < 0) throw system_error(static_cast<int>(-sent), "sending signal " + std::to_string(signal));
}

}  // namespace

int command_kill(const Global& global, const Words& words) {
    bool all = false;
    const Words operands = parse_options(words, {flag("all", 'a', all)});
    if (operands.empty() || operands.size() > 2) usage("'kill' needs a container id and perhaps a signal");
    const std::string name = operands.size() == 2 ? operands[1] : "TERM";
    const std::optional<int> signal = parse_signal(name);
    if (!signal) usage(quote(name) + " is not a signal");
    const Found found = find_container(global, operands[0]);
    if (!all) {
        if (!found.pidfd) throw Error(ErrorKind::system, "container not running");
        signal_init(found, *signal);
    } else if (found.pidfd || !found.state.cgroups.empty()) {
        signal_all(found, *signal);
    }
    // What is frozen dies when it is thawed.
    if (*signal == SIGKILL && found.status == Status::paused) freeze_cgroups(found.state.cgroups, false);
    return 0;
}

}  // namespace smith::railcar
