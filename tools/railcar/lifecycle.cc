// SPDX-License-Identifier: Apache-2.0
#include "tools/railcar/lifecycle.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/bounds.h"
#include "base/error.h"
#include "base/utf8.h"
#include "runtime/child.h"
#include "runtime/console.h"
#include "runtime/hooks.h"
#include "runtime/labels.h"
#include "runtime/user_string.h"
#include "tools/railcar/log.h"
#include "tools/railcar/sealed_self.h"

namespace smith::railcar {

using namespace runtime;

namespace {

Status status_of(const StateDirectory& directory, const ContainerState& state, bool alive) {
    if (!alive) return Status::stopped;
    if (!state.created) return Status::creating;
    if (directory.has_gate()) return Status::created;
    return is_frozen(state.cgroups) ? Status::paused : Status::running;
}

/// The status is read to its end: a whole record may still be in it that `create` did not stay for.
void wait_until_executed(int status, const StateDirectory& directory) {
    Failure report{};
    bool launched = false;
    while (read_report(status, report)) {
        launched = report.error_number == 0 && report.step == StepId::launch_exec;
        if (report.error_number == 0) continue;
        // What can fail behind the gate are the launcher's steps; all they say is what was to be run.
        Plan plan;
        plan.process = parse_config(directory.read_config()).process;
        throw_failure(report, plan);
    }
    if (!launched) throw Error(ErrorKind::system, "container not running: it ended before it was started");
}

/// Runs the startContainer hooks as the container's own processes.
void run_inside(const RuntimeConfig& config, const std::vector<Hook>& hooks, const ContainerInit& init,
                const std::string& state) {
    for (const Hook& hook : hooks) {
        RuntimeConfig as_hook = config;
        as_hook.process.terminal = false;
        as_hook.process.args = hook.args;
        as_hook.process.env = hook.env;
        const UniqueFd input = memory_file(linux_kernel(), state);
        static_cast<void>(lseek(input.get(), 0, SEEK_SET));
        CreateOptions options;
        options.stdio = {input.get(), 2, 2};
        options.state = [&](pid_t, bool) { return state; };
        const std::string which = "the startContainer hook " + quote(hook.path);
        Container process =
            while_doing([&] { return which; }, [&] { return Container::join(as_hook, init, std::move(options)); });
        std::optional<ExitStatus> status;
        if (hook.timeout_ms < 0)
            status = process.wait();
        else
            status = process.wait_for(std::chrono::milliseconds(hook.timeout_ms));
        if (!status) throw Error(ErrorKind::system, which + " did not end in time");
        if (status->shell_status() != 0) {
            throw Error(ErrorKind::system, which + " ended with status " + std::to_string(status->shell_status()));
        }
    }
}

/// Runs `body`; when it throws, the container is stopped before that is passed on.
void or_stop(int pidfd, const std::function<void()>& body) {
    try {
        body();
    } catch (const Error&) {
        static_cast<void>(kill_and_wait(pidfd));
        throw;
    }
}

void run_poststop_hooks(const std::vector<Hook>& hooks, const ContainerState& state) {
    for (const Hook& hook : hooks) {
        // "If any poststop hook fails, the runtime MUST log a warning, but the remaining hooks and lifecycle continue."
        try {
            run_hooks(linux_kernel(), {hook}, "poststop", state_for_hooks(state, Status::stopped));
        } catch (const Error& e) {
            program_log().warning(e.message());
        }
    }
}

/// A console socket and a terminal belong together; runc's words for it, which callers show.
void check_terminal(const RuntimeConfig& config, const CreateRequest& request) {
    const bool has_socket = !request.console_socket.empty();
    if (config.process.terminal && request.detach && !has_socket) {
        throw Error(ErrorKind::usage, "cannot allocate tty if railcar will detach without setting console socket");
    }
    if (has_socket && !(config.process.terminal && request.detach)) {
        throw Error(ErrorKind::usage, "cannot use console socket if railcar will not detach or allocate tty");
    }
}

std::string pid_namespace_of(const std::string& pid) {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/" + pid + "/ns/pid", error).string();
}

/// Without a cgroup of its own, a container is known by its PID namespace.
std::vector<pid_t> processes_of_namespace(pid_t init) {
    std::vector<pid_t> out;
    const std::string wanted = pid_namespace_of(std::to_string(init));
    if (wanted.empty() || wanted == pid_namespace_of("self")) return {init};
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        const std::optional<std::uint32_t> pid = parse_id(name);
        if (pid && pid_namespace_of(name) == wanted) out.push_back(static_cast<pid_t>(*pid));
    }
    std::sort(out.begin(), out.end());
    return out;
}

/// What systemd is about to make. A cgroup that has processes already is somebody's, whatever becomes of this
/// container; `create` refuses it.
CgroupPaths systemds_to_clear(const RuntimeConfig& config, const CgroupRequest& request) {
    CgroupPaths planned = plan_cgroups(config, request);
    const bool somebodys = !planned.empty() && !processes_in(planned).empty();
    return somebodys ? CgroupPaths() : planned;
}

/// Without its file system it has gone already.
void clear_resctrl(const ResctrlGroups& groups) {
    if (groups.empty()) return;
    try {
        remove_resctrl(linux_kernel(), find_resctrl(), groups);
    } catch (const Error& e) {
        program_log().warning(e.message());
    }
}

ContainerState first_state(const std::string& id, const Bundle& bundle) {
    ContainerState state;
    state.id = id;
    state.bundle = bundle.directory.string();
    if (!is_utf8(state.bundle)) {
        throw Error(ErrorKind::usage, "the bundle's path " + quote(state.bundle) + " is not UTF-8, as a state must be");
    }
    state.rootfs = (bundle.directory / bundle.config.root_path).lexically_normal().string();
    state.created_at = current_time();
    state.owner = geteuid();
    state.has_process = bundle.config.has_process;
    const Hooks& hooks = bundle.config.hooks;
    state.has_start_hooks = !hooks.start_container.empty() || !hooks.poststart.empty();
    state.has_stop_hooks = !hooks.poststop.empty();
    state.annotations = bundle.config.annotations;
    return state;
}

}  // namespace

bool kill_and_wait(int pidfd) {
    if (linux_kernel().send_signal(pidfd, SIGKILL) < 0) return true;
    // As long as runc waits. PID 1 ends after all others of its namespace, and not before those that came from outside
    // have been waited for, by whoever has become their parent.
    constexpr int patience_ms = 10000;
    pollfd end{pidfd, POLLIN, 0};
    int ready = -1;
    do {
        ready = poll(&end, 1, patience_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

std::vector<pid_t> processes_of(const Found& found) {
    if (!found.state.cgroups.empty()) return processes_in(found.state.cgroups);
    return processes_of_namespace(found.state.process.pid);
}

std::string only_id(const Words& operands, const char* command) {
    if (operands.size() != 1) usage(quote(command) + " needs a container id, and nothing else");
    return operands.front();
}

Found find_container(const Global& global, const std::string& id, bool lock) {
    Found found{StateDirectory::open(global.root, id), {}, UniqueFd(), Status::stopped};
    if (lock) found.directory.lock();
    found.state = found.directory.read();
    found.pidfd = open_process(linux_kernel(), found.state.process);
    found.status = status_of(found.directory, found.state, static_cast<bool>(found.pidfd));
    return found;
}

void need_running(const Found& found, bool created_is_enough) {
    if (found.status == Status::running || found.status == Status::paused) return;
    if (created_is_enough && found.status == Status::created) return;
    throw Error(ErrorKind::system, "container not running: it is " + std::string(status_name(found.status)));
}

std::vector<Option> create_options(CreateRequest& request) {
    return {option("bundle", 'b', request.bundle),
            option("pid-file", 0, request.pid_file),
            option("console-socket", 0, request.console_socket),
            option("preserve-fds", 0, request.preserve_fds),
            flag("no-pivot", 0, request.no_pivot),
            flag("no-new-keyring", 0, request.no_new_keyring)};
}

std::filesystem::path seccomp_cache_below(const std::filesystem::path& root) { return root / "seccomp:cache"; }

void write_pid_file(const std::filesystem::path& file, pid_t pid) {
    if (file.empty()) return;
    // Whole or not at all: callers wait for the file to appear.
    const std::filesystem::path temporary = file.parent_path() / ("." + file.filename().string());
    // One that was killed here has left it. Never followed: it is made anew.
    static_cast<void>(unlink(temporary.c_str()));
    try {
        const UniqueFd fd = open_file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_SYNC, 0666);
        write_all(fd.get(), as_bytes(std::to_string(pid)));
        if (rename(temporary.c_str(), file.c_str()) != 0) throw system_error(errno, "renaming");
    } catch (Error& e) {
        static_cast<void>(unlink(temporary.c_str()));
        e.prepend("writing " + quote(file.string()));
        throw;
    }
}

unsigned check_preserved_fds(unsigned count) {
    // sd_listen_fds(3): descriptors from 3 on that a supervisor has given to this process.
    if (const char* listen = std::getenv("LISTEN_FDS"); listen != nullptr) {
        count += static_cast<unsigned>(parse_number(listen, "LISTEN_FDS", 1 << 20));
    }
    for (unsigned i = 0; i < count; ++i) {
        if (fcntl(static_cast<int>(3 + i), F_GETFD) < 0) {
            throw Error(ErrorKind::usage,
                        "unable to preserve descriptor " + std::to_string(3 + i) + ": it is not open");
        }
    }
    return count;
}

Created create_container(const Global& global, const std::string& id, CreateRequest request) {
    const unsigned preserved = check_preserved_fds(request.preserve_fds);
    check_container_id(id);
    std::string text;
    Bundle bundle = load_bundle(request.bundle, &text);
    if (const char* listen = std::getenv("LISTEN_FDS"); listen != nullptr && bundle.config.has_process) {
        bundle.config.process.env.push_back("LISTEN_FDS=" + std::string(listen));
        bundle.config.process.env.push_back("LISTEN_PID=1");
    }
    check_terminal(bundle.config, request);
    check_labels(bundle.config.process);
    if (joins_who_may_trace_us(bundle.config)) run_from_sealed_copy();
    ContainerState state = first_state(id, bundle);
    StateDirectory directory = StateDirectory::claim(global.root, id);
    try {
        if (!bundle.config.has_namespace(CLONE_NEWNS)) state.root_mount = remember_root(linux_kernel(), state.rootfs);
        directory.write_config(text);
        CreateOptions options;
        options.gate = directory.make_gate();
        options.plan.preserved_fds = preserved;
        options.plan.new_keyring = !request.no_new_keyring;
        options.plan.seccomp_cache = seccomp_cache_below(global.root);
        ConsolePair console;
        if (bundle.config.process.terminal) {
            if (request.console_socket.empty()) console = make_console_pair();
            options.plan.console_socket = request.console_socket.empty()
                                              ? std::move(console.theirs)
                                              : connect_console_socket(request.console_socket);
        }
        options.cgroups = {id, global.rootless, directory.cgroup_name()};
        std::optional<SystemdDriver> systemd;
        if (global.systemd_cgroup) {
            systemd.emplace(use_systemd(bundle.config, options.cgroups.name, global.rootless));
            options.cgroups.systemd = &*systemd;
        }
        // By value: `options` is moved from by the time that this is called.
        options.on_birth = [&, wanted_cgroups = options.cgroups](pid_t pid, const CgroupPaths& made) {
            state.process = identify(pid);
            if (state.process.start_time == 0) throw_unseen(pid);
            state.cgroups = systemd ? systemds_to_clear(bundle.config, wanted_cgroups) : made;
            if (systemd && !state.cgroups.empty()) state.systemd_unit = systemd->unit();
            const auto& rdt = bundle.config.intel_rdt;
            if (rdt) state.resctrl = plan_resctrl(find_resctrl(), *rdt, id);
            directory.write(state);
        };
        options.state = [&](pid_t, bool created) {
            return state_for_hooks(state, created ? Status::created : Status::creating);
        };
        Container container = Container::create(bundle, std::move(options));
        for (const std::string& warning : container.warnings()) program_log().warning(warning);
        UniqueFd terminal;
        if (console.ours) terminal = receive_terminal(console.ours.get());
        state.created = true;
        state.cgroups = container.cgroups();
        if (systemd) state.systemd_unit = systemd->unit();
        state.resctrl = container.resctrl();
        state.root_mount = container.root_mount();
        directory.write(state);
        write_pid_file(request.pid_file, container.pid());
        return {std::move(directory), std::move(state), std::move(bundle.config), std::move(container),
                std::move(terminal)};
    } catch (...) {
        // The process, if there was one, is gone by now: this is step 12 of the lifecycle.
        if (state.process.pid != 0) run_poststop_hooks(bundle.config.hooks.poststop, state);
        directory.remove();
        throw;
    }
}

void start_container(const Global&, StateDirectory& directory, const ContainerState& state, int pidfd) {
    if (!state.has_process) {
        throw Error(ErrorKind::spec, "the configuration has no 'process': there is nothing to start");
    }
    RuntimeConfig config;
    if (state.has_start_hooks) config = parse_config(directory.read_config());
    const ContainerInit init{state.process.pid, pidfd};
    // "If any startContainer hook fails, the runtime MUST generate an error, stop the container, and continue the
    // lifecycle at step 12", the deletion. So with poststart since 1.3.
    or_stop(pidfd,
            [&] { run_inside(config, config.hooks.start_container, init, state_for_hooks(state, Status::created)); });
    const UniqueFd status = directory.open_gate();
    if (!status) throw Error(ErrorKind::system, "container not running: it ended before it was started");
    while_doing([&] { return "starting " + quote(state.id); }, [&] { wait_until_executed(status.get(), directory); });
    directory.remove_gate();
    or_stop(pidfd, [&] {
        run_hooks(linux_kernel(), config.hooks.poststart, "poststart", state_for_hooks(state, Status::running));
    });
}

void clear_cgroups_of(const CgroupPaths& paths, const SystemdUnit& unit) {
    std::vector<std::string> warnings;
    remove_cgroups(paths, unit, warnings);
    for (const std::string& warning : warnings) program_log().warning(warning);
}

void remove_container(StateDirectory& directory, const std::optional<ContainerState>& state) {
    std::vector<Hook> poststop;
    if (state && state->created && state->has_stop_hooks) {
        try {
            poststop = parse_config(directory.read_config()).hooks.poststop;
        } catch (const Error& e) {
            program_log().warning(e.message());
        }
    }
    if (state) clear_resctrl(state->resctrl);
    if (state) clear_cgroups_of(state->cgroups, state->systemd_unit);
    if (state) detach_root(linux_kernel(), state->root_mount);
    if (state) run_poststop_hooks(poststop, *state);
    directory.remove();
}

}  // namespace smith::railcar
