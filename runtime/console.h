// SPDX-License-Identifier: Apache-2.0
//
// A terminal for the contained program: made of the container's own devpts, its master sent to whoever asked for it
// (SCM_RIGHTS through --console-socket), its slave the controlling terminal, standard streams, and /dev/console.
//
// Everything goes by descriptors. /dev/pts/ptmx is opened beneath the root, without symlinks, and must be on a devpts;
// the slave is had from the master (TIOCGPTPEER), never by its name, which somebody could have swapped; and what is
// shown as /dev/console is that same descriptor (CVE-2025-52565, CVE-2026-41579).
#pragma once

#include <filesystem>

#include "base/fd.h"
#include "runtime/mounts.h"

namespace smith::runtime {

/// Connects to the socket at `path`, for the child to send the master through. Throws Error (system).
[[nodiscard]] UniqueFd connect_console_socket(const std::filesystem::path& path);

/// A pair for a terminal that this process looks after itself: what the child sends through `theirs` comes out of
/// receive_terminal(ours). Throws Error (system).
struct ConsolePair {
    UniqueFd ours;
    UniqueFd theirs;
};
[[nodiscard]] ConsolePair make_console_pair();
[[nodiscard]] UniqueFd receive_terminal(int socket);

/// The step, see StepId: between clone and execve. Nothing to do without a socket.
Result open_console(Stage& stage) noexcept;

}  // namespace smith::runtime
