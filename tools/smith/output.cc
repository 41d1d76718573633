// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/error.h"

namespace smith::cli {

namespace {

extern "C" void do_nothing(int number) { static_cast<void>(number); }

constexpr std::string_view kDoing = "writing to standard output";

}  // namespace

void prepare_standard_streams() {
    // open(2) takes the lowest number that is free, so each of these lands where something is missing. The other way
    // round than it looks: a standard output that can't be written to keeps failing, as a closed one does.
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
        if (::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) != fd) std::abort();
    }
    // A handler instead of SIG_IGN: execve() resets it, so a contained program gets the SIGPIPE it expects.
    struct sigaction action {};
    action.sa_handler = do_nothing;
    action.sa_flags = SA_RESTART;
    static_cast<void>(::sigaction(SIGPIPE, &action, nullptr));
}

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

void write_stdout(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EPIPE) throw OutputClosed();
        if (count < 0) throw system_error(errno, kDoing);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void close_stdout() {
    if (::close(STDOUT_FILENO) != 0 && errno != EINTR) throw system_error(errno, kDoing);
}

void die_of_sigpipe() {
    static_cast<void>(std::signal(SIGPIPE, SIG_DFL));
    static_cast<void>(std::raise(SIGPIPE));
    std::_Exit(128 + SIGPIPE);
}

}  // namespace smith::cli
