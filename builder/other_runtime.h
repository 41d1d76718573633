// SPDX-License-Identifier: Apache-2.0
//
// A container by way of a program with runc's command line, `PROGRAM FLAGS --root DIR run --bundle B --pid-file F ID`,
// which stays as long as the container runs, and whose exit status is the container's: runc, crun, runsc, railcar.
#pragma once

#include <filesystem>
#include <memory>

#include "builder/running.h"
#include "runtime/foreground.h"

namespace smith::builder {

class OtherRuntime : public Running {
public:
    /// State and pid file lie in the bundle's directory.
    OtherRuntime(const std::filesystem::path& bundle, const runtime::Stdio& stdio, RuntimeChoice runtime);
    ~OtherRuntime() override;

    std::optional<runtime::ExitStatus> wait_for(std::chrono::milliseconds timeout) override;
    void stop(std::chrono::milliseconds grace, int signal) override;
    [[nodiscard]] UniqueFd connect_tcp(std::uint16_t port, std::chrono::milliseconds timeout) override;
    [[nodiscard]] std::string failure() const override;

    /// Passes on what comes through `forwarding`, until the end.
    runtime::ExitStatus attend(const runtime::SignalForwarding& forwarding);

private:
    /// The container's PID 1, on the host; 0 before there is one.
    [[nodiscard]] pid_t pid() const;
    /// False while there is no container that could get it.
    bool deliver(int signal);
    void start_aftercare();
    void end_aftercare() noexcept;
    [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& words) const;
    /// Of the program's other commands; whether it succeeded. Its words go nowhere.
    bool call(const std::vector<std::string>& words) const;
    runtime::ExitStatus wait();

    RuntimeChoice runtime_;
    std::filesystem::path bundle_;
    std::string id_;
    pid_t program_ = 0;
    UniqueFd pidfd_;             ///< of the program
    pid_t aftercare_ = 0;        ///< the process that clears up when this one is killed
    UniqueFd aftercare_signal_;  ///< whose end it waits for
    int supplied_signal_ = 0;
    std::optional<runtime::ExitStatus> status_;
};

}  // namespace smith::builder
