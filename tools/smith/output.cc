// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/output.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/error.h"

namespace smith::cli {

namespace {

constexpr std::string_view kDoing = "writing to standard output";

}  // namespace

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
