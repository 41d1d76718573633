// SPDX-License-Identifier: Apache-2.0
//
// railcar, a small OCI runtime: the command line of runc on the runtime core of smith.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/standard_streams.h"
#include "tools/railcar/commands.h"
#include "tools/railcar/log.h"

namespace smith::railcar {

namespace {

struct Command {
    std::string_view name;
    int (*run)(const Global&, const Words&);
    const char* usage;
};

constexpr std::array kCommands = {
    Command{"create", command_create,
            "create [--bundle DIR] [--pid-file FILE] [--console-socket SOCKET] [--preserve-fds N]\n"
            "         [--no-new-keyring] ID\n"
            "             create a container of the bundle in DIR (default: .), everything but the start"},
    Command{"start", command_start, "start ID\n             start the program of a created container"},
    Command{"run", command_run,
            "run [--detach] [--keep] [options as create] ID\n"
            "             create, start, wait, delete; ends with the program's status"},
    Command{"exec", command_exec,
            "exec [--tty] [--user UID[:GID]] [--cwd DIR] [--env NAME=VALUE] [--cap CAP] [--additional-gids GID]\n"
            "         [--no-new-privs] [--cgroup [CONTROLLER:]PATH] [--apparmor PROFILE] "
            "[--process-label LABEL] [--detach] [--pid-file FILE] "
            "[--console-socket SOCKET] [--preserve-fds N]\n"
            "         [--ignore-paused] ID PROGRAM [ARGUMENT...] | exec --process FILE ID\n"
            "             run one more process in a container"},
    Command{"state", command_state, "state ID\n             print the container's state as JSON"},
    Command{"kill", command_kill,
            "kill [--all] ID [SIGNAL]\n             send a signal, by name or number (default: TERM)"},
    Command{"delete", command_delete,
            "delete [--force] ID...\n             delete a stopped container; with --force whatever there is"},
    Command{"list", command_list, "list [--format table|json] [--quiet]\n             list the containers"},
    Command{"ps", command_ps,
            "ps [--format table|json] ID [PS OPTIONS]\n             list the processes of a container"},
    Command{"pause", command_pause, "pause ID\n             stop all processes of a container for a while"},
    Command{"resume", command_resume, "resume ID\n             let them go on"},
    Command{"update", command_update,
            "update [--resources FILE] [--memory BYTES] [--cpu-quota N] [--pids-limit N] ... ID\n"
            "             change the limits of a container"},
    Command{"events", command_events,
            "events [--interval 5s] [--stats] ID\n             print statistics as JSON, one object a line"},
    Command{"spec", command_spec,
            "spec [--bundle DIR] [--rootless] [-- PROGRAM [ARGUMENT...]]\n"
            "             write DIR/config.json with the rules of a microcontainer"},
    Command{"features", command_features, "features\n             print what this runtime can do, as JSON"},
};

constexpr const char* kGlobalUsage =
    "usage: railcar [--root DIR] [--log FILE] [--log-format text|json] [--systemd-cgroup] [--rootless "
    "true|false|auto]\n"
    "               [--debug] [--version] COMMAND ...\n\n";

constexpr const char* kExample =
    "\nexample: railcar spec --bundle app -- /usr/bin/app --serve && railcar run --bundle app app1\n";

void print_help() {
    std::fputs(kGlobalUsage, stdout);
    for (const Command& command : kCommands) std::printf("  %s\n", command.usage);
    std::fputs(kExample, stdout);
}

int print_version() {
    std::printf("railcar version %s\nspec: %.*s\n", RAILCAR_VERSION, static_cast<int>(runtime::kOciVersion.size()),
                runtime::kOciVersion.data());
    return 0;
}

/// Root of a user namespace that maps less than everything, as in a rootless podman, is no root of the host.
bool in_user_namespace() {
    try {
        constexpr std::uint64_t enough = 4096;
        const std::string map = read_file("/proc/self/uid_map", enough);
        return map.find("4294967295") == std::string::npos;
    } catch (const Error&) {
        return false;
    }
}

bool is_rootless(const std::string& word) {
    if (word == "true") return true;
    if (word == "false") return false;
    if (word != "auto") usage("--rootless is 'true', 'false' or 'auto'");
    return geteuid() != 0 || in_user_namespace();
}

/// As runc: where an ordinary user has a directory of the session's, the states are there.
std::filesystem::path default_root(bool rootless) {
    const char* session = std::getenv("XDG_RUNTIME_DIR");
    if (rootless && session != nullptr && session[0] == '/') return std::filesystem::path(session) / "railcar";
    if (geteuid() != 0) usage("XDG_RUNTIME_DIR is not set: --root must name a directory for the states of containers");
    return "/run/railcar";
}

/// The words in front of the command; sets the program's log as soon as it is known.
struct CommandLine {
    Global global;
    Words rest;
    bool help = false;
    bool version = false;
};

CommandLine read_command_line(const Words& words) {
    CommandLine out;
    std::string format = "text";
    std::string rootless = "auto";
    std::filesystem::path criu;  // runc had it; callers may still give it
    Log& log = program_log();
    const std::vector<Option> options = {option("root", 0, out.global.root),
                                         option("log", 0, log.file),
                                         option("log-format", 0, format),
                                         option("rootless", 0, rootless),
                                         option("criu", 0, criu),
                                         flag("systemd-cgroup", 0, out.global.systemd_cgroup),
                                         flag("debug", 0, log.debug),
                                         flag("help", 'h', out.help),
                                         flag("version", 'v', out.version)};
    out.rest = parse_options(words, options, true);
    if (format != "text" && format != "json") usage("--log-format is 'text' or 'json'");
    log.json = format == "json";
    if (out.help || out.version) return out;
    out.global.rootless = is_rootless(rootless);
    if (out.global.root.empty()) out.global.root = default_root(out.global.rootless);
    out.global.root = std::filesystem::absolute(out.global.root).lexically_normal();
    return out;
}

bool asks_for_help(const Words& words) {
    return !words.empty() && (words.front() == "--help" || words.front() == "-h");
}

int dispatch(const Words& words) {
    CommandLine line = read_command_line(words);
    if (line.version) return print_version();
    if (line.help || (!line.rest.empty() && line.rest.front() == "help")) {
        print_help();
        return 0;
    }
    if (line.rest.empty()) usage("which command?");
    const std::string name = line.rest.front();
    line.rest.erase(line.rest.begin());
    for (const Command& command : kCommands) {
        if (command.name != name) continue;
        if (asks_for_help(line.rest)) {
            std::printf("usage: railcar %s\n", command.usage);
            return 0;
        }
        return command.run(line.global, line.rest);
    }
    if (name == "checkpoint" || name == "restore") usage("railcar does not have the command " + quote(name));
    usage("unknown command " + quote(name));
}

/// What is made here belongs to the caller, whatever the umask: never closed to them, never open to be written to by
/// others. The contained process has the umask of its configuration.
void set_umask() {
    const mode_t before = umask(S_IRWXG | S_IRWXO);
    umask((before & (S_IRWXG | S_IRWXO)) | S_IWGRP | S_IWOTH);
}

/// Callers read what we print as JSON: all of it, or an error.
void finish_output() {
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw system_error(errno, "writing to standard output");
}

}  // namespace

void report_failure(const Error& error) noexcept { program_log().error(error.message()); }

int main(int argc, char** argv) {
    // Whoever started us may ignore it; then the exit status of a child could not be had.
    static_cast<void>(signal(SIGCHLD, SIG_DFL));
    prepare_standard_streams();
    set_umask();
    try {
        const int status = dispatch({argv + (argc > 0 ? 1 : 0), argv + argc});
        finish_output();
        return status;
    } catch (const Error& e) {
        report_failure(e);
    } catch (const std::exception& e) {
        program_log().error(std::string("internal error: ") + e.what());
    }
    return 1;
}

}  // namespace smith::railcar

int main(int argc, char** argv) { return smith::railcar::main(argc, argv); }
