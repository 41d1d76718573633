// SPDX-License-Identifier: Apache-2.0
//
// railcar exec [OPTIONS] ID PROGRAM [ARGUMENT...], railcar exec --process FILE ID: one more process in a container.
#include <unistd.h>

#include "base/bounds.h"
#include "base/error.h"
#include "runtime/caps.h"
#include "runtime/console.h"
#include "runtime/foreground.h"
#include "runtime/labels.h"
#include "runtime/user_string.h"
#include "tools/railcar/lifecycle.h"
#include "tools/railcar/sealed_self.h"

namespace smith::railcar {

using namespace runtime;

namespace {

// What runc's callers take for "it was not the program that failed".
constexpr int kExecFailed = 255;

struct ExecRequest {
    std::string process_file;
    std::filesystem::path console_socket;
    std::filesystem::path pid_file;
    std::string cwd;
    std::string user;
    Words env;
    Words additional_gids;
    Words caps;
    unsigned preserve_fds = 0;
    bool tty = false;
    bool detach = false;
    bool no_new_privileges = false;
    bool ignore_paused = false;
    std::string apparmor;
    std::string process_label;
    Words cgroup;
};

std::vector<Option> exec_options(ExecRequest& request) {
    return {option("process", 'p', request.process_file),
            option("console-socket", 0, request.console_socket),
            option("pid-file", 0, request.pid_file),
            option("cwd", 0, request.cwd),
            option("user", 'u', request.user),
            option("env", 'e', request.env),
            option("additional-gids", 'g', request.additional_gids),
            option("cap", 'c', request.caps),
            option("preserve-fds", 0, request.preserve_fds),
            option("apparmor", 0, request.apparmor),
            option("process-label", 0, request.process_label),
            option("cgroup", 0, request.cgroup),
            flag("tty", 't', request.tty),
            flag("detach", 'd', request.detach),
            flag("no-new-privs", 0, request.no_new_privileges),
            flag("ignore-paused", 0, request.ignore_paused)};
}

void add_capabilities(const Words& names, Capabilities& capabilities) {
    for (const std::string& name : names) {
        const std::optional<int> number = capability_number(name);
        if (!number) usage(quote(name) + " is not a capability");
        const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(*number);
        capabilities.bounding |= bit;
        capabilities.effective |= bit;
        capabilities.permitted |= bit;
    }
}

/// As the container's own process, but for what the command line says.
void apply(const ExecRequest& request, Words arguments, ProcessConfig& process) {
    process.args = std::move(arguments);
    process.terminal = request.tty;
    process.console_size = {};
    if (!request.cwd.empty()) process.cwd = request.cwd;
    if (!process.cwd.starts_with('/')) usage("--cwd is not an absolute path");
    for (const std::string& entry : request.env) {
        if (entry.find('=') == std::string::npos || entry[0] == '=') usage("--env is not of the form NAME=VALUE");
        process.env.push_back(entry);
    }
    if (!request.user.empty()) {
        const UserIds ids = parse_user_ids(request.user);
        process.uid = ids.uid;
        if (ids.gid) process.gid = *ids.gid;
    }
    for (const std::string& text : request.additional_gids) {
        const std::optional<std::uint32_t> gid = parse_id(text);
        if (!gid) usage("--additional-gids is " + quote(text));
        process.additional_gids.push_back(*gid);
    }
    add_capabilities(request.caps, process.capabilities);
    if (request.no_new_privileges) process.no_new_privileges = true;
    if (!request.apparmor.empty()) process.apparmor_profile = request.apparmor;
    if (!request.process_label.empty()) process.selinux_label = request.process_label;
}

ProcessConfig choose_process(const ExecRequest& request, const RuntimeConfig& config, Words arguments) {
    if (!request.process_file.empty()) {
        const std::string text = read_file(request.process_file, limits::kMaxConfigBytes);
        ProcessConfig process = while_doing([&] { return "reading " + quote(request.process_file); },
                                            [&] { return parse_process_document(text, config.process); });
        if (request.tty) process.terminal = true;
        return process;
    }
    if (arguments.empty() || arguments.front().empty()) usage("process args cannot be empty");
    ProcessConfig process = config.process;
    apply(request, std::move(arguments), process);
    return process;
}

void check_ids(const RuntimeConfig& config) {
    if (config.uid_mappings.empty()) return;
    const ProcessConfig& process = config.process;
    if (!map_id(config.uid_mappings, process.uid) || !map_id(config.gid_mappings, process.gid)) {
        throw Error(ErrorKind::spec, "the user " + std::to_string(process.uid) + ":" + std::to_string(process.gid) +
                                         " is not mapped in the container's user namespace");
    }
}

void check_status(const Found& found, const ExecRequest& request) {
    if (found.status == Status::stopped) throw Error(ErrorKind::system, "cannot exec in a stopped container");
    if (found.status == Status::creating) throw Error(ErrorKind::system, "cannot exec in a container that is created");
    if (found.status == Status::paused && !request.ignore_paused) {
        throw Error(ErrorKind::system, "cannot exec in a paused container");
    }
}

int run_process(const Global& global, const Found& found, const ExecRequest& request, const RuntimeConfig& config,
                unsigned preserved) {
    const bool has_socket = !request.console_socket.empty();
    if (has_socket && !config.process.terminal) usage("cannot use console socket if no tty is allocated");
    if (config.process.terminal && request.detach && !has_socket) {
        usage("cannot allocate tty if railcar will detach without setting console socket");
    }
    const SignalForwarding forwarding;
    CreateOptions options;
    options.plan.preserved_fds = preserved;
    options.plan.seccomp_cache = seccomp_cache_below(global.root);
    ConsolePair console;
    if (config.process.terminal) {
        if (!has_socket) console = make_console_pair();
        options.plan.console_socket =
            has_socket ? connect_console_socket(request.console_socket) : std::move(console.theirs);
    }
    options.state = [&](pid_t, bool) { return state_for_hooks(found.state, found.status); };
    const CgroupPaths cgroups = cgroups_below(found.state.cgroups, request.cgroup);
    // What a user's systemd may have to move is not born there.
    const bool moved = found.state.systemd_unit.user;
    if (!moved) options.enter = cgroups;
    options.on_birth = [&](pid_t pid, const CgroupPaths&) {
        if (moved) join_cgroups(cgroups, found.state.systemd_unit, pid);
        if (!found.state.resctrl.empty()) join_resctrl(linux_kernel(), find_resctrl(), found.state.resctrl, pid);
    };
    Container process = Container::join(config, {found.state.process.pid, found.pidfd.get()}, std::move(options));
    write_pid_file(request.pid_file, process.pid());
    if (request.detach) {
        process.let_go();
        return 0;
    }
    std::optional<TerminalRelay> relay;
    if (console.ours) relay.emplace(receive_terminal(console.ours.get()), STDIN_FILENO, STDOUT_FILENO);
    AttendOptions how;
    how.terminal = relay ? &*relay : nullptr;
    how.supply_default_actions = false;
    return attend(process, forwarding, how).shell_status();
}

int execute(const Global& global, const Words& words) {
    ExecRequest request;
    Words rest = parse_options(words, exec_options(request), true);
    const unsigned preserved = check_preserved_fds(request.preserve_fds);
    if (rest.empty()) usage("'exec' needs a container id");
    const std::string id = rest.front();
    rest.erase(rest.begin());
    if (!rest.empty() && rest.front() == "--") rest.erase(rest.begin());
    const Found found = find_container(global, id);
    check_status(found, request);
    RuntimeConfig config = parse_config(found.directory.read_config());
    if (may_trace_us(config)) run_from_sealed_copy();
    config.process = choose_process(request, config, std::move(rest));
    check_ids(config);
    check_labels(config.process);
    return run_process(global, found, request, config, preserved);
}

}  // namespace

int command_exec(const Global& global, const Words& words) {
    try {
        return execute(global, words);
    } catch (Error& e) {
        e.prepend("exec failed");
        report_failure(e);
        return kExecFailed;
    }
}

}  // namespace smith::railcar
