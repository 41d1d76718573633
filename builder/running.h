// SPDX-License-Identifier: Apache-2.0
//
// A container that runs, whoever runs it: the bundled runtime in this process, or a program with runc's command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "runtime/container.h"

namespace smith::builder {

/// Which runtime; without a program the bundled one.
struct RuntimeChoice {
    std::string program;             ///< a path, or a name that is looked up as a shell does, and in the sbin folders
    std::vector<std::string> flags;  ///< in front of its command, such as "--platform=ptrace"

    [[nodiscard]] bool is_bundled() const noexcept { return program.empty(); }
};

class Running {
public:
    Running() = default;
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    /// Kills whatever still runs, and waits until it is gone.
    virtual ~Running() = default;

    /// Empty when it still runs after `timeout`.
    virtual std::optional<runtime::ExitStatus> wait_for(std::chrono::milliseconds timeout) = 0;
    /// Sends `signal`, with the default action that a PID 1 lacks, and SIGKILL to what still runs after `grace`.
    virtual void stop(std::chrono::milliseconds grace, int signal) = 0;
    /// As Container::connect_tcp.
    [[nodiscard]] virtual UniqueFd connect_tcp(std::uint16_t port, std::chrono::milliseconds timeout) = 0;
    /// What the runtime itself failed at; "" when the program was executed, as far as one can know.
    [[nodiscard]] virtual std::string failure() const { return ""; }
};

/// Starts the bundle. `runtime` must be there (find_runtime). Throws Error as Container::start.
[[nodiscard]] std::unique_ptr<Running> start_running(const std::filesystem::path& bundle, const runtime::Stdio& stdio,
                                                     const RuntimeChoice& runtime);

/// Runs the bundle in the foreground: its process gets the signals that this process gets. Returns what a shell would
/// call its exit status.
[[nodiscard]] int run_in_foreground(const std::filesystem::path& bundle, const RuntimeChoice& runtime);

/// With the program's whole path. Throws Error (usage) when there is no such program.
[[nodiscard]] RuntimeChoice find_runtime(RuntimeChoice runtime);

}  // namespace smith::builder
