// SPDX-License-Identifier: Apache-2.0
//
// railcar ps [--format table|json] ID [PS OPTIONS]
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "base/error.h"
#include "tools/railcar/lifecycle.h"

namespace smith::railcar {

namespace {

void print_json(const std::vector<pid_t>& pids) {
    std::printf("[");
    for (std::size_t i = 0; i < pids.size(); ++i) std::printf("%s%d", i == 0 ? "" : ",", pids[i]);
    std::printf("]\n");
}

/// What ps(1) of the host prints with `arguments`.
std::string output_of_ps(Words arguments) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    const UniqueFd read_end(fds[0]);
    UniqueFd write_end(fds[1]);
    arguments.insert(arguments.begin(), "ps");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const pid_t pid = fork();
    if (pid < 0) throw system_error(errno, "running ps");
    if (pid == 0) {
        dup2(write_end.get(), STDOUT_FILENO);
        execvp("ps", pointers.data());
        _exit(127);
    }
    write_end.reset();
    constexpr std::uint64_t most = 64 << 20;
    std::string text = read_to_end(read_end.get(), most);
    int status = 0;
    waitpid(pid, &status, 0);
    if (status != 0) throw Error(ErrorKind::system, "ps failed; is procps installed? --format json does without it");
    return text;
}

/// The lines whose column "PID" has one of `pids`, and the heading.
void print_lines_of(const std::string& text, const std::vector<pid_t>& pids) {
    std::istringstream lines(text);
    std::string line;
    std::size_t column = 0;
    for (bool heading = true; std::getline(lines, line); heading = false) {
        std::istringstream fields(line);
        std::string field;
        if (heading) {
            while (fields >> field && field != "PID") ++column;
            if (field != "PID") throw Error(ErrorKind::usage, "the output of ps has no column 'PID'");
        } else {
            for (std::size_t i = 0; i <= column; ++i) fields >> field;
            if (std::find(pids.begin(), pids.end(), std::atoi(field.c_str())) == pids.end()) continue;
        }
        std::printf("%s\n", line.c_str());
    }
}

}  // namespace

int command_ps(const Global& global, const Words& words) {
    std::string format = "table";
    Words rest = parse_options(words, {option("format", 'f', format)}, true);
    if (rest.empty()) usage("'ps' needs a container id");
    if (format != "table" && format != "json") usage("--format is 'table' or 'json'");
    const Found found = find_container(global, rest.front());
    const std::vector<pid_t> pids = found.pidfd ? processes_of(found) : std::vector<pid_t>();
    if (format == "json") {
        print_json(pids);
        return 0;
    }
    rest.erase(rest.begin());
    print_lines_of(output_of_ps(rest.empty() ? Words{"-ef"} : rest), pids);
    return 0;
}

}  // namespace smith::railcar
