// SPDX-License-Identifier: Apache-2.0
#include "runtime/container.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "base/error.h"
#include "runtime/bundle.h"
#include "runtime/child.h"
#include "runtime/connect.h"
#include "runtime/container_cgroups.h"
#include "runtime/container_parts.h"
#include "runtime/guard.h"
#include "runtime/hooks.h"
#include "runtime/id_maps.h"
#include "runtime/labels.h"
#include "runtime/namespaces.h"
#include "runtime/net_devices.h"
#include "runtime/plan.h"
#include "runtime/proc_file.h"
#include "runtime/rlimits.h"
#include "runtime/usher.h"

namespace smith::runtime {

namespace {

UniqueFd open_null() { return open_file("/dev/null", O_RDWR); }

/// Hooks, a terminal: here is nobody who could look after them.
void refuse_what_takes_a_runtime(const RuntimeConfig& config) {
    const Hooks& hooks = config.hooks;
    for (const auto* list : {&hooks.prestart, &hooks.create_runtime, &hooks.create_container, &hooks.start_container,
                             &hooks.poststart, &hooks.poststop}) {
        if (!list->empty()) throw Error(ErrorKind::spec, "'hooks' are not run here; railcar runs them");
    }
    if (config.process.terminal) throw Error(ErrorKind::spec, "'process.terminal' is not had here; railcar has it");
    if (!config.has_process) throw Error(ErrorKind::spec, "'process' is missing");
}

void let_hooks_run(Kernel& kernel, const RuntimeConfig& config, const Plan& plan, const CreateOptions& options,
                   pid_t pid) {
    const Hooks& hooks = config.hooks;
    const std::string state = options.state ? options.state(pid, false) : "{}";
    if (plan.hook_state) write_all(plan.hook_state.get(), as_bytes(state));
    // They were once called when a container had been created and was about to be started, and look for that word.
    if (!hooks.prestart.empty()) {
        run_hooks(kernel, hooks.prestart, "prestart", options.state ? options.state(pid, true) : "{}");
    }
    run_hooks(kernel, hooks.create_runtime, "createRuntime", state);
}

/// A container of the smoke test has a cgroup only when it has limits, or nothing else that holds its processes.
CgroupRequest complete(CgroupRequest request, const RuntimeConfig& config) {
    static std::atomic<unsigned> count{0};
    if (request.id.empty() && (config.namespaces & CLONE_NEWPID) == 0) {
        request.id = "smith-" + std::to_string(getpid()) + "-" + std::to_string(++count);
    }
    return request;
}

/// Cgroups whose first process is yet to be made: removed again when it never is.
struct CgroupsInTheMaking {
    CgroupsInTheMaking(Kernel& kernel_, const RuntimeConfig& config, const CgroupRequest& request)
        : kernel(kernel_), paths(create_cgroups(config, complete(request, config), warnings, kernel)) {}
    CgroupsInTheMaking(const CgroupsInTheMaking&) = delete;
    CgroupsInTheMaking& operator=(const CgroupsInTheMaking&) = delete;
    ~CgroupsInTheMaking() {
        try {
            remove_cgroups(paths, {}, warnings, kernel);
        } catch (const Error&) {
            // Nobody is in there: what hinders is not ours, and the first failure is the one to be told.
        }
    }
    Kernel& kernel;
    std::vector<std::string> warnings;
    CgroupPaths paths;
};

}  // namespace

Container Container::launch(Kernel& kernel, const RuntimeConfig& config, const Plan& plan, bool tied, StartGate& gate,
                            const CreateOptions& options) {
    CgroupsInTheMaking cgroups(kernel, config, options.cgroups);
    const CgroupEntrance entrance = entrance_to(cgroups.paths, kernel);
    const UniqueFd null = open_null();
    Pipe go = make_pipe();
    ChildChannels channels = make_channels(options.stdio, null.get(), gate, go);
    channels.die_with_parent = tied;
    channels.cgroups = &entrance;
    hand_over_pipes(options.stdio, config);

    const SignalsBlocked blocked;
    RootMount root_mount;
    if (!config.has_namespace(CLONE_NEWNS)) root_mount = remember_root(kernel, plan.root.source);
    UniqueFd pidfd;
    std::optional<Courier> courier;
    const pid_t pid = make_contained_process(kernel, plan, entrance.unified.get(), pidfd, courier);
    if (pid == 0) run_child(kernel, plan, channels);
    Container container(kernel, pid, std::move(pidfd), plan.namespaces);
    container.root_mount_ = std::move(root_mount);
    container.cgroups_ = std::exchange(cgroups.paths, {});
    container.warnings_ = config.warnings;
    container.warnings_.insert(container.warnings_.end(), cgroups.warnings.begin(), cgroups.warnings.end());
    container.warnings_.insert(container.warnings_.end(), plan.warnings.begin(), plan.warnings.end());
    gate.status_write.reset();
    go.read.reset();
    if (tied) container.guard_ = start_guard(kernel, container.pidfd());
    container.prepare(config, plan, options);
    write_all(go.write.get(), as_bytes("g"));
    if (plan.pause_for_hooks) {
        wait_for_word(gate.status_read.get(), StepId::run_hooks, plan);
        let_hooks_run(kernel, config, plan, options, container.pid_);
        write_all(go.write.get(), as_bytes("g"));
    }
    // Now, since the contained process may already be waiting for an answer.
    if (courier && !serve_listener(*courier, plan, [&](pid_t its_pid) { return options.state(its_pid, false); })) {
        container.signal(SIGKILL);
        wait_for_execve(gate.status_read.get(), plan);
    }
    if (plan.wait_at_gate) {
        wait_for_word(gate.status_read.get(), StepId::launch_wait, plan);
    } else {
        wait_for_execve(gate.status_read.get(), plan);
    }
    return container;
}

/// What only the parent can do for the child, who waits.
void Container::prepare(const RuntimeConfig& config, const Plan& plan, const CreateOptions& options) {
    // First of all: whoever is killed from here on has left word of what there is to be cleared away.
    if (options.on_birth) options.on_birth(pid_, cgroups_);
    if ((namespaces_ & CLONE_NEWUSER) != 0) write_id_maps(pid_, config);
    if (options.cgroups.systemd != nullptr) {
        cgroups_ = create_scope(config, options.cgroups, pid_, warnings_, *kernel_);
        // Not before: until then a unit of that name may be somebody else's.
        unit_ = options.cgroups.systemd->unit();
    }
    if (config.intel_rdt) {
        resctrl_ = enter_resctrl(*kernel_, find_resctrl(), *config.intel_rdt, options.cgroups.id, pid_);
    }
    raise_hard_limits(*kernel_, pid_, config.process.rlimits);
    if (config.process.oom_score_adj) {
        write_proc_file(pid_, "oom_score_adj", std::to_string(*config.process.oom_score_adj));
    }
    // Last: a virtual device does not come back from a container that failed.
    move_net_devices(*kernel_, plan, pid_);
}

Container Container::start(const std::filesystem::path& directory, const RunOptions& options) {
    Kernel& kernel = options.kernel != nullptr ? *options.kernel : linux_kernel();
    const Bundle bundle = load_bundle(directory);
    check_labels(bundle.config.process);
    return while_doing([&] { return "starting " + quote(directory.string()); },
                       [&] {
                           refuse_what_takes_a_runtime(bundle.config);
                           const Plan plan = make_plan(kernel, bundle.config, bundle.directory);
                           if (plan.listener.wanted()) {
                               throw Error(ErrorKind::spec, "SCMP_ACT_NOTIFY is not had here; railcar has it");
                           }
                           Pipe status = make_pipe();
                           StartGate gate{std::move(status.read), std::move(status.write), UniqueFd()};
                           CreateOptions create;
                           create.stdio = options.stdio;
                           create.cgroups.rootless = geteuid() != 0;
                           return launch(kernel, bundle.config, plan, true, gate, create);
                       });
}

Container Container::create(const Bundle& bundle, CreateOptions options) {
    Kernel& kernel = options.kernel != nullptr ? *options.kernel : linux_kernel();
    options.plan.wait_at_gate = true;
    const Plan plan = make_plan(kernel, bundle.config, bundle.directory, std::move(options.plan));
    return launch(kernel, bundle.config, plan, false, options.gate, options);
}

void Container::let_go() noexcept {
    pidfd_.reset();
    cgroups_.clear();
    unit_ = {};
    resctrl_ = {};
    root_mount_ = {};
}

Container::Container(Container&& other) noexcept
    : kernel_(other.kernel_),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      guard_(std::move(other.guard_)),
      namespaces_(other.namespaces_),
      supplied_signal_(other.supplied_signal_),
      cgroups_(std::exchange(other.cgroups_, {})),
      unit_(std::exchange(other.unit_, {})),
      resctrl_(std::exchange(other.resctrl_, {})),
      root_mount_(std::exchange(other.root_mount_, {})),
      warnings_(std::move(other.warnings_)),
      status_(other.status_) {}

Container::~Container() {
    if (!pidfd_) return;
    if (!status_) {
        static_cast<void>(kernel_->send_signal(pidfd_.get(), SIGKILL));
        try {
            reap();
        } catch (const Error&) {
            // Somebody else waited for it: it is gone all the same.
        }
    }
    reap_guard();
}

void Container::signal(int signal) {
    if (status_) return;
    const Result sent = kernel_->send_signal(pidfd_.get(), signal);
    if (sent < 0 && sent != -ESRCH) {
        throw system_error(static_cast<int>(-sent), "sending signal " + std::to_string(signal));
    }
}

bool ends_by_default(int signal) noexcept {
    switch (signal) {
        case SIGCHLD:
        case SIGCONT:
        case SIGURG:
        case SIGWINCH:
        case SIGSTOP:
        case SIGTSTP:
        case SIGTTIN:
        case SIGTTOU: return false;
        default: return true;
    }
}

namespace {

/// A mask of /proc/PID/status, such as "SigCgt:\t0000000000000002".
std::uint64_t signal_mask(const std::string& status, const std::string& name) {
    const std::size_t at = status.find("\n" + name + ":\t");
    return at == std::string::npos ? ~std::uint64_t{0}
                                   : std::stoull(status.substr(at + name.size() + 3, 16), nullptr, 16);
}

}  // namespace

bool would_die_of(pid_t pid, int signal) {
    if (!ends_by_default(signal)) return false;
    // Some kilobytes; a process that has ended has no such file, or an empty one.
    constexpr std::uint64_t enough = 64 * 1024;
    std::string status;
    try {
        status = read_file("/proc/" + std::to_string(pid) + "/status", enough);
    } catch (const Error&) {
        return false;
    }
    // One that blocks a signal may be waiting for it with sigwait(3) or signalfd(2).
    const std::uint64_t taken =
        signal_mask(status, "SigCgt") | signal_mask(status, "SigIgn") | signal_mask(status, "SigBlk");
    return ((taken >> (static_cast<unsigned>(signal) - 1)) & 1U) == 0;
}

void Container::deliver(int signal) {
    if (status_) return;
    if (signal == SIGKILL || !would_die_of(pid_, signal)) return this->signal(signal);
    supplied_signal_ = signal;
    this->signal(SIGKILL);
}

ExitStatus Container::stop(std::chrono::milliseconds grace, int signal) {
    deliver(signal);
    if (const auto status = wait_for(grace)) return *status;
    this->signal(SIGKILL);
    return wait();
}

void Container::reap() {
    siginfo_t info{};
    const Result result = kernel_->wait_for_exit(pidfd_.get(), info, WEXITED | __WALL);
    if (result < 0) {
        status_ = ExitStatus{255, 0};
        throw system_error(static_cast<int>(-result), "waiting for the container (is SIGCHLD ignored?)");
    }
    status_ = info.si_code == CLD_EXITED ? ExitStatus{info.si_status, 0} : ExitStatus{0, info.si_status};
    if (status_->signal == SIGKILL && supplied_signal_ != 0) status_->signal = supplied_signal_;
    reap_guard();
    detach_root(*kernel_, std::exchange(root_mount_, {}));
    if (!resctrl_.empty()) remove_resctrl(*kernel_, find_resctrl(), std::exchange(resctrl_, {}));
    remove_cgroups(std::exchange(cgroups_, {}), std::exchange(unit_, {}), warnings_, *kernel_);
}

void Container::reap_guard() noexcept {
    if (!guard_) return;
    siginfo_t info{};
    static_cast<void>(kernel_->send_signal(guard_.get(), SIGKILL));
    static_cast<void>(kernel_->wait_for_exit(guard_.get(), info, WEXITED | __WALL));
    guard_.reset();
}

ExitStatus Container::wait() {
    if (!status_) reap();
    return *status_;
}

std::optional<ExitStatus> Container::wait_for(std::chrono::milliseconds timeout) {
    if (status_) return status_;
    using Clock = std::chrono::steady_clock;
    const Clock::time_point deadline = Clock::now() + timeout;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd end{pidfd_.get(), POLLIN, 0};
        const Result ready =
            kernel_->poll(&end, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX)));
        if (ready > 0) return wait();
        if (ready < 0 && ready != -EINTR) throw system_error(static_cast<int>(-ready), "waiting for the container");
        if (ready == 0 && Clock::now() >= deadline) return std::nullopt;
    }
}

UniqueFd Container::connect_tcp(std::uint16_t port, std::chrono::milliseconds timeout) {
    if (status_) return UniqueFd();
    return connect_inside(*kernel_, pidfd_.get(), namespaces_, port, timeout);
}

}  // namespace smith::runtime
