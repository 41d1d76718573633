// SPDX-License-Identifier: Apache-2.0
#include "runtime/connect.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.h"
#include "runtime/descriptor_passing.h"

namespace smith::runtime {

namespace {

struct Answer {
    int error_number = 0;
    bool connecting = false;  ///< it was connect itself that failed, not what is before it
};

/// Waits for a connect in progress, and returns what became of it.
Result finish_connect(Kernel& kernel, int fd, int timeout_ms) noexcept {
    pollfd ready{fd, POLLOUT, 0};
    const Result polled = kernel.poll(&ready, 1, timeout_ms);
    if (polled <= 0) return polled == 0 ? -ETIMEDOUT : polled;
    int error = 0;
    unsigned length = sizeof error;
    const Result asked = kernel.socket_option(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return asked < 0 ? asked : -error;
}

void send_answer(Kernel& kernel, int channel, Answer answer, int socket) noexcept {
    static_cast<void>(send_descriptor(kernel, channel, &answer, sizeof answer, answer.error_number == 0 ? socket : -1));
}

/// Between fork and exit: no allocation, no locks, only the Kernel.
[[noreturn]] void help(Kernel& kernel, int pidfd, std::uint64_t namespaces, const sockaddr_in& address, int timeout_ms,
                       int channel) noexcept {
    static_cast<void>(kernel.control(PR_SET_PDEATHSIG, SIGKILL));
    static_cast<void>(kernel.control(PR_SET_DUMPABLE, 0));
    Answer answer;
    Result result = namespaces == 0 ? 0 : kernel.join_namespaces(pidfd, namespaces);
    Result socket = -1;
    if (result >= 0) result = socket = kernel.open_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    if (result >= 0) {
        answer.connecting = true;
        const int fd = static_cast<int>(socket);
        result = kernel.connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        if (result == -EINPROGRESS) result = finish_connect(kernel, fd, timeout_ms);
    }
    if (result < 0) answer.error_number = static_cast<int>(-result);
    send_answer(kernel, channel, answer, static_cast<int>(socket));
    kernel.exit_now(0);
}

/// The helper's answer, and the socket that came with it.
std::pair<Answer, UniqueFd> receive_answer(int channel) {
    Answer answer{EIO, false};
    Received received = receive_descriptor(channel, &answer, sizeof answer, 0, "hearing from the helper");
    return {answer, std::move(received.fd)};
}

bool nobody_there(const Answer& answer) {
    return answer.connecting && answer.error_number != EMFILE && answer.error_number != ENOMEM;
}

}  // namespace

UniqueFd connect_inside(Kernel& kernel, int pidfd, std::uint64_t namespaces, std::uint16_t port,
                        std::chrono::milliseconds timeout) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // With the host's network there is nothing to enter, and no right to.
    const std::uint64_t entered =
        (namespaces & CLONE_NEWNET) == 0 ? 0 : namespaces & static_cast<std::uint64_t>(CLONE_NEWUSER | CLONE_NEWNET);
    int channel[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) != 0) {
        throw system_error(errno, "making a socket pair");
    }
    const UniqueFd ours(channel[0]);
    UniqueFd theirs(channel[1]);
    const int timeout_ms = static_cast<int>(std::clamp<std::int64_t>(timeout.count(), 0, INT32_MAX));

    int helper = -1;
    const Result pid = kernel.clone(0, 0, helper);
    if (pid == 0) help(kernel, pidfd, entered, address, timeout_ms, theirs.get());
    if (pid < 0) throw system_error(static_cast<int>(-pid), "starting a helper");
    const UniqueFd helper_fd(helper);
    theirs.reset();
    auto [answer, socket] = receive_answer(ours.get());
    siginfo_t info{};
    static_cast<void>(kernel.wait_for_exit(helper_fd.get(), info, WEXITED | __WALL));
    if (answer.error_number == 0 && socket) {
        static_cast<void>(fcntl(socket.get(), F_SETFL, fcntl(socket.get(), F_GETFL) & ~O_NONBLOCK));
        return std::move(socket);
    }
    if (nobody_there(answer)) return UniqueFd();
    throw system_error(answer.error_number, "entering the container's network");
}

}  // namespace smith::runtime
