// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C. While an InterruptGuard lives, SIGINT, SIGTERM and SIGHUP clear away the temporary files that this process is
// writing, and then end it by that same signal, so that the shell sees it (128 + its number).
#pragma once

#include <filesystem>
#include <thread>

#include "base/fd.h"
#include "tools/smith/terminal_reporter.h"

namespace smith::cli {

/// One at a time. While a container runs in the foreground (runtime::run), the runtime's handlers stand before these.
class InterruptGuard {
public:
    explicit InterruptGuard(TerminalReporter& reporter);
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;
    /// The signals mean again what they meant before.
    ~InterruptGuard();

private:
    UniqueFd write_end_;
    std::thread thread_;
};

/// True once a signal has come: what fails from then on fails because the ground is being cleared, and is not to be
/// told.
[[nodiscard]] bool was_interrupted();
/// For the thread that has nothing left to do but to wait for the end of the process.
[[noreturn]] void wait_for_the_end();

/// Removes the temporary files (base/atomic_file.h) and bundles (builder/bundle.h) that this process has open.
void remove_own_temporaries();

}  // namespace smith::cli
