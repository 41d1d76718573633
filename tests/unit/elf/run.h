// SPDX-License-Identifier: Apache-2.0
//
// Runs a program of the host and takes down what it says, for tests that compare us with it.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"

namespace smith::elf {

struct Ran {
    int status = 0;      ///< exit status; 128 and more for a signal
    std::string output;  ///< standard output and error
};

/// What a child that could not enter its root exits with.
inline constexpr int kNoRoot = 125;

/// Makes `root` the root directory of this process, with /proc below it where it has such a directory (ld.so asks it
/// for $ORIGIN). In namespaces of its own, so that an ordinary user may do it where the host lets him.
inline bool enter_root(const std::string& root) {
    const int user = ::geteuid() == 0 ? 0 : CLONE_NEWUSER;
    if (::unshare(user | CLONE_NEWNS) != 0) return false;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    if (::mount("/proc", (root + "/proc").c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return false;
    return ::chroot(root.c_str()) == 0 && ::chdir("/") == 0;
}

/// In the C locale, with `extra` (such as "LD_LIBRARY_PATH=/x") in the environment and nothing of ours but PATH. With
/// `root`, under that root directory; the status is kNoRoot where that is not allowed.
inline Ran run(const std::vector<std::string>& command, const std::vector<std::string>& extra = {},
               const std::string& root = {}) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::vector<std::string> variables = extra;
    variables.insert(variables.end(), {"LC_ALL=C", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"});
    std::vector<char*> environment;
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);

    const pid_t child = ::fork();
    if (child < 0) throw system_error(errno, "starting " + quote(command.front()));
    if (child == 0) {
        if (!root.empty() && !enter_root(root)) ::_exit(kNoRoot);
        ::dup2(writing.get(), STDOUT_FILENO);
        ::dup2(writing.get(), STDERR_FILENO);
        ::execvpe(arguments[0], arguments.data(), environment.data());
        ::_exit(127);
    }
    writing.reset();
    Ran out;
    out.output = read_to_end(reading.get(), 16 * limits::kMiB);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    out.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return out;
}

}  // namespace smith::elf
