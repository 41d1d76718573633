// SPDX-License-Identifier: Apache-2.0
//
// Runs a bundle: a contained process, from its start until nothing of it is left. docs/runtime.md says what "contained"
// means here.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "runtime/bundle.h"
#include "runtime/child.h"
#include "runtime/container_cgroups.h"
#include "runtime/kernel.h"
#include "runtime/plan.h"
#include "runtime/resctrl.h"
#include "runtime/root_mount.h"

namespace smith::runtime {

/// The descriptors that become 0, 1 and 2 inside. Borrowed: they stay the caller's. -1 means /dev/null.
struct Stdio {
    int in = 0;
    int out = 1;
    int err = 2;
};

struct ExitStatus {
    int code = 0;
    int signal = 0;  ///< 0: it ended by itself

    /// As a shell has it: the exit code, or 128 and the signal.
    [[nodiscard]] int shell_status() const noexcept { return signal == 0 ? code : 128 + signal; }
    bool operator==(const ExitStatus&) const = default;
};

struct RunOptions {
    Stdio stdio;
    /// What makes the system calls; null: the real kernel.
    Kernel* kernel = nullptr;
    /// For run(): how long after a first SIGTERM, SIGINT, SIGQUIT or SIGHUP the process may take to end, before
    /// SIGKILL.
    std::optional<std::chrono::milliseconds> grace;
};

/// How the process that starts a program, and one that starts it later, speak with it: fifos or pipes.
struct StartGate {
    UniqueFd status_read;   ///< Failures and words of the child
    UniqueFd status_write;  ///< given away
    UniqueFd gate;          ///< read end, for the child, who must not see its end as long as it lives (O_RDWR)
};

/// For Container::create: what `create` and `run` of an OCI runtime have beyond RunOptions.
struct CreateOptions {
    Stdio stdio;
    Kernel* kernel = nullptr;
    StartGate gate;
    PlanRequest plan;
    CgroupRequest cgroups;
    /// For join(): the cgroups that the process is born in; they are there already.
    CgroupPaths enter;
    /// Called when the process exists and waits: before anything else is made, its id may be written down, and the
    /// cgroups that were made for it (systemd makes its own later).
    std::function<void(pid_t, const CgroupPaths& made)> on_birth;
    /// The container's state for hooks, as JSON, with the status "creating" or "created"; called after on_birth.
    std::function<std::string(pid_t, bool created)> state;
};

/// PID 1 of a container that runs.
struct ContainerInit {
    pid_t pid = 0;
    int pidfd = -1;
};

/// One running contained process, PID 1 of its own PID namespace.
///
/// The thread that starts a container must outlive it: the kernel takes the end of that thread for the end of the
/// parent (prctl(2), PR_SET_PDEATHSIG). When the whole process ends, even by SIGKILL, so does the container.
class Container {
public:
    /// Returns when the program has been executed. The bundle's files are needed as long as the container runs.
    /// Throws Error: system, naming the step that failed; spec, for a program that can't be executed; spec and format,
    /// for a wrong config.json. Nothing is left then.
    [[nodiscard]] static Container start(const std::filesystem::path& bundle, const RunOptions& options = {});

    /// As start(), but returns when everything is set up and the program waits at the gate; runs the hooks that belong
    /// before that. It does not end with this process: whoever calls let_go() leaves it to itself.
    [[nodiscard]] static Container create(const Bundle& bundle, CreateOptions options);

    Container(Container&&) noexcept;
    Container& operator=(Container&&) = delete;
    /// Kills whatever still runs, and waits until it is gone.
    ~Container();

    /// Starts one more process in the container whose PID 1 is `init`: in its namespaces, by the rules of `config`,
    /// whose `process` is the one to be run. Returns when the program has been executed; ends on its own. Throws Error.
    [[nodiscard]] static Container join(const RuntimeConfig& config, const ContainerInit& init, CreateOptions options);

    /// From now on neither the destructor nor anything else here touches the process.
    void let_go() noexcept;

    /// The process's id, as the caller sees it.
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// Sends `signal`, as kill(2) would. A PID 1 that has no handler for a signal does not get it, unless it is SIGKILL
    /// or SIGSTOP. Nothing happens when the process has ended.
    void signal(int signal);

    /// Sends `signal` and supplies the default action that PID 1 lacks: where an ordinary process would have died of
    /// it, this one is killed too, and its exit status says that it died of `signal`.
    void deliver(int signal);

    /// deliver(signal), and SIGKILL for what still runs after `grace`.
    ExitStatus stop(std::chrono::milliseconds grace, int signal = 15);

    /// Waits for the process; once it has ended, so has every process of the container. May be called again.
    ExitStatus wait();
    std::optional<ExitStatus> wait_for(std::chrono::milliseconds timeout);

    /// Becomes readable when the process ends: for poll(2).
    [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }

    /// Connects to 127.0.0.1:`port` inside the container's network. Empty when nobody listens there, or nobody answers
    /// within `timeout`. Throws Error (system).
    [[nodiscard]] UniqueFd connect_tcp(std::uint16_t port, std::chrono::milliseconds timeout);

    /// The directories of its cgroups, for the one who will look after them.
    [[nodiscard]] const CgroupPaths& cgroups() const noexcept { return cgroups_; }

    /// Its class of service, likewise.
    [[nodiscard]] const ResctrlGroups& resctrl() const noexcept { return resctrl_; }

    /// What is to be unmounted when it is gone.
    [[nodiscard]] const RootMount& root_mount() const noexcept { return root_mount_; }

    /// What of the configuration was tolerated though it could not be had, a sentence each.
    [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }

private:
    Container(Kernel& kernel, pid_t pid, UniqueFd pidfd, std::uint64_t namespaces)
        : kernel_(&kernel), pid_(pid), pidfd_(std::move(pidfd)), namespaces_(namespaces) {}
    static Container launch(Kernel& kernel, const RuntimeConfig& config, const Plan& plan, bool tied, StartGate& gate,
                            const CreateOptions& options);
    void prepare(const RuntimeConfig& config, const Plan& plan, const CreateOptions& options);
    void reap();
    void reap_guard() noexcept;

    Kernel* kernel_;
    pid_t pid_;
    UniqueFd pidfd_;
    UniqueFd guard_;
    std::uint64_t namespaces_;
    int supplied_signal_ = 0;
    std::map<std::string, std::string> cgroups_;
    SystemdUnit unit_;
    ResctrlGroups resctrl_;
    RootMount root_mount_;
    std::vector<std::string> warnings_;
    std::optional<ExitStatus> status_;
};

/// Would an ordinary process in the place of `pid`, which is PID 1 of its namespace, die of `signal`? The kernel does
/// not let that one. False when it has ended.
[[nodiscard]] bool would_die_of(pid_t pid, int signal);

/// signal(7), "Standard signals": is its default to end the process?
[[nodiscard]] bool ends_by_default(int signal) noexcept;

/// Runs a bundle in the foreground (runtime/foreground.h): its process gets the signals that this process gets, as an
/// ordinary process would (Container::deliver), and its exit status is returned. Afterwards signals are handled as they
/// were before. One call at a time.
ExitStatus run(const std::filesystem::path& bundle, const RunOptions& options = {});

}  // namespace smith::runtime
