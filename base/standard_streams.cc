// SPDX-License-Identifier: Apache-2.0
#include "base/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <initializer_list>

namespace smith {

namespace {

extern "C" void do_nothing(int number) { static_cast<void>(number); }

}  // namespace

void prepare_standard_streams() {
    // open(2) takes the lowest number that is free, so each of these lands where something is missing. The other way
    // round than it looks: a standard output that can't be written to keeps failing, as a closed one does.
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
        if (::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) != fd) std::abort();
    }
    // A handler instead of SIG_IGN: execve() resets it, so a contained program gets the signals it expects.
    struct sigaction action {};
    action.sa_handler = do_nothing;
    action.sa_flags = SA_RESTART;
    for (const int number : {SIGPIPE, SIGXFSZ}) static_cast<void>(::sigaction(number, &action, nullptr));
}

}  // namespace smith
