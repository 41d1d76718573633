// SPDX-License-Identifier: Apache-2.0
//
// Staying with a process until it ends: what this process is told by signals, that one is told; what is typed at this
// process's terminal goes to that one's.
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "runtime/container.h"
#include "runtime/terminal_relay.h"

namespace smith::runtime {

/// Catches the signals to be forwarded, until the end of its scope; afterwards they are handled as before. One at a
/// time.
class SignalForwarding {
public:
    SignalForwarding();
    SignalForwarding(const SignalForwarding&) = delete;
    SignalForwarding& operator=(const SignalForwarding&) = delete;
    ~SignalForwarding();

    /// Becomes readable when a signal has come.
    [[nodiscard]] int fd() const noexcept { return read_.get(); }
    /// The next signal that came; 0 when there is none.
    [[nodiscard]] int next() const noexcept;

private:
    struct Before {
        int signal;
        struct sigaction action;
    };
    UniqueFd read_;
    UniqueFd write_;
    std::vector<Before> before_;
};

struct AttendOptions {
    /// How long after a first SIGTERM, SIGINT, SIGQUIT or SIGHUP the process may take to end, before SIGKILL.
    std::optional<std::chrono::milliseconds> grace;
    TerminalRelay* terminal = nullptr;
    /// Supply the default action that a PID 1 lacks, see Container::deliver.
    bool supply_default_actions = true;
};

/// Waits for the end of `container`. Throws Error (system).
ExitStatus attend(Container& container, const SignalForwarding& forwarding, const AttendOptions& options);

}  // namespace smith::runtime
