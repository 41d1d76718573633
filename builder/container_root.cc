// SPDX-License-Identifier: Apache-2.0
#include "builder/container_root.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/kernel.h"

namespace smith::builder {

namespace {

/// Between clone and execve: system calls only.
[[noreturn]] void become_and_execute(int go, char* const* words) noexcept {
    char byte = 0;
    ssize_t got = -1;
    do {
        got = ::read(go, &byte, 1);
    } while (got < 0 && errno == EINTR);
    // Without the byte the ids were not mapped.
    if (got == 1 && ::setresgid(0, 0, 0) == 0 && ::setresuid(0, 0, 0) == 0) ::execve(words[0], words, environ);
    ::_exit(127);
}

}  // namespace

void run_as_container_root(const runtime::IdMappings& ids, std::vector<std::string> words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    const UniqueFd go(fds[0]);
    UniqueFd mapped(fds[1]);
    int pidfd = -1;
    const runtime::Result pid = runtime::linux_kernel().clone(CLONE_NEWUSER, SIGCHLD, pidfd);
    if (pid == 0) {
        ::close(mapped.get());
        become_and_execute(go.get(), pointers.data());
    }
    if (pid < 0) throw system_error(static_cast<int>(-pid), "making a user namespace");
    const UniqueFd child(pidfd);
    const auto wait = [&] {
        int status = 0;
        while (::waitpid(static_cast<pid_t>(pid), &status, 0) < 0 && errno == EINTR) {
        }
        return status;
    };
    try {
        runtime::RuntimeConfig config;
        config.uid_mappings = ids.uids;
        config.gid_mappings = ids.gids;
        runtime::write_id_maps(static_cast<pid_t>(pid), config);
        write_all(mapped.get(), as_bytes(std::string("g")));
    } catch (...) {
        mapped.reset();
        static_cast<void>(wait());
        throw;
    }
    mapped.reset();
    if (wait() != 0) throw Error(ErrorKind::system, quote(words.front()) + " failed as the container's root");
}

}  // namespace smith::builder
