// SPDX-License-Identifier: Apache-2.0
//
// railcar, a small OCI runtime. So far it runs a bundle in the foreground and writes a bundle's configuration; the
// other verbs of an OCI runtime are refused by name.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/bundle.h"
#include "runtime/container.h"
#include "runtime/spec.h"

namespace {

using namespace smith;

constexpr const char* kUsage =
    "usage: railcar run [--bundle DIR] ID      run the bundle in DIR (default: .) and end as its process ends\n"
    "       railcar spec [--bundle DIR] [-- PROGRAM [ARGUMENT...]]\n"
    "                                          write DIR/config.json with the rules of a microcontainer\n"
    "\n"
    "example: railcar spec --bundle app -- /usr/bin/app --serve && railcar run --bundle app app1\n";

// What runc has, and this program will have.
constexpr std::array<std::string_view, 13> kNotYet = {"checkpoint", "create", "delete", "events", "exec",
                                                      "features",   "kill",   "list",   "pause",  "ps",
                                                      "resume",     "start",  "state"};

[[noreturn]] void usage(const std::string& problem) {
    throw Error(ErrorKind::usage, problem + " (railcar --help shows how)");
}

struct Arguments {
    std::filesystem::path bundle = ".";
    std::vector<std::string> rest;     ///< what is neither an option nor behind "--"
    std::vector<std::string> program;  ///< what is behind "--"
};

Arguments parse_arguments(const std::vector<std::string>& words) {
    Arguments out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--") {
            out.program.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
            break;
        }
        if (word == "--bundle" || word == "-b") {
            if (++i == words.size()) usage("--bundle needs a directory");
            out.bundle = words[i];
        } else if (word.starts_with("--bundle=")) {
            out.bundle = word.substr(std::string_view("--bundle=").size());
        } else if (word.starts_with('-')) {
            usage("unknown option " + quote(word));
        } else {
            out.rest.push_back(word);
        }
    }
    return out;
}

int run_bundle(const Arguments& arguments) {
    if (arguments.rest.size() != 1) usage("'run' needs a container id");
    runtime::check_container_id(arguments.rest.front());
    return runtime::run(arguments.bundle).shell_status();
}

int write_spec(const Arguments& arguments) {
    if (!arguments.rest.empty()) usage("'spec' takes no " + quote(arguments.rest.front()));
    runtime::SpecParameters parameters;
    parameters.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    if (!arguments.program.empty()) parameters.args = arguments.program;
    parameters.mappings = runtime::choose_mappings(parameters.uid, parameters.gid, runtime::MappingChoice::automatic);
    const std::string text = runtime::default_config(parameters);
    // As runc: a configuration that somebody has edited is not written over.
    const UniqueFd file = open_file(arguments.bundle / "config.json", O_WRONLY | O_CREAT | O_EXCL, 0644);
    write_all(file.get(), as_bytes(text));
    return 0;
}

int dispatch(const std::vector<std::string>& words) {
    if (words.empty()) usage("which command?");
    const std::string& verb = words.front();
    if (verb == "--help" || verb == "-h" || verb == "help") {
        std::fputs(kUsage, stdout);
        return 0;
    }
    const Arguments arguments = parse_arguments({words.begin() + 1, words.end()});
    if (verb == "run") return run_bundle(arguments);
    if (verb == "spec") return write_spec(arguments);
    if (std::find(kNotYet.begin(), kNotYet.end(), verb) != kNotYet.end()) {
        usage("railcar does not have the command " + quote(verb) + " yet");
    }
    usage("unknown command " + quote(verb));
}

int exit_status(ErrorKind kind) { return kind == ErrorKind::usage || kind == ErrorKind::spec ? 2 : 1; }

}  // namespace

int main(int argc, char** argv) {
    // Whoever started us may ignore it; then the exit status of a child could not be had.
    static_cast<void>(signal(SIGCHLD, SIG_DFL));
    try {
        return dispatch({argv + 1, argv + argc});
    } catch (const Error& e) {
        std::fprintf(stderr, "railcar: %s\n", e.what());
        return exit_status(e.kind());
    } catch (const std::exception& e) {
        std::fprintf(stderr, "railcar: internal error: %s\n", e.what());
        return 1;
    }
}
