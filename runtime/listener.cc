// SPDX-License-Identifier: Apache-2.0
#include "runtime/listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "runtime/descriptor_passing.h"
#include "runtime/failure.h"
#include "runtime/state.h"

namespace smith::runtime {

namespace {

// The contained process puts its own descriptors below that.
int first_free_place(const Plan& plan) noexcept {
    return kFirstLauncherFd + static_cast<int>(plan.preserved_fds) + kLauncherFdCount;
}

UniqueFd moved(const Plan& plan, int fd) {
    const UniqueFd old(fd);
    UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, first_free_place(plan)));
    if (!copy) throw system_error(errno, "making way for descriptors");
    return copy;
}

/// The number that the descriptor will have, or -1 when the contained process ended before it could tell.
int hear_number(Kernel& kernel, const Plan& plan, int pidfd) noexcept {
    // The pipe does not end with that process: its write end is among our descriptors too.
    pollfd news[2] = {{plan.listener.told.get(), POLLIN, 0}, {pidfd, POLLIN, 0}};
    Result ready = 0;
    do {
        ready = kernel.poll(news, 2, -1);
    } while (ready == -EINTR);
    int number = -1;
    if (ready < 0 || news[0].revents == 0) return -1;
    return kernel.read(plan.listener.told.get(), &number, sizeof number) == sizeof number ? number : -1;
}

}  // namespace

void plan_listener(const SeccompConfig& config, Plan& plan) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    plan.listener.told = moved(plan, fds[0]);
    plan.listener.tell = moved(plan, fds[1]);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        throw system_error(errno, "making a socket pair");
    plan.listener.bring = moved(plan, fds[0]);
    plan.listener.take = moved(plan, fds[1]);
    plan.listener.path = config.listener_path;
    plan.listener.metadata = config.listener_metadata;
}

Result load_own_filter(Kernel& kernel, const Plan& plan) noexcept {
    const auto& filter = plan.own_filter;
    if (filter.empty()) return 0;
    if (plan.listener.wanted()) {
        // The kernel gives the lowest number that is free, and nobody takes it before: we are the only thread, and the
        // courier opens nothing.
        const Result next = kernel.duplicate_at_least(plan.listener.tell.get(), 0);
        if (next < 0) return next;
        const int number = static_cast<int>(next);
        kernel.close(number);
        const Result written = kernel.write(plan.listener.tell.get(), &number, sizeof number);
        if (written < 0) return written;
    }
    const Result loaded = kernel.load_seccomp(plan.own_filter_flags, filter.data(), filter.size() / 8);
    return loaded < 0 ? loaded : 0;
}

std::uint64_t courier_flags(const Plan& plan) noexcept { return plan.listener.wanted() ? CLONE_FILES : 0; }

Result wait_for_courier(Kernel& kernel, const Plan& plan, int go) noexcept {
    if (!plan.listener.wanted()) return 0;
    pollfd news[2] = {{plan.listener.bring.get(), POLLIN, 0}, {go, 0, 0}};
    Result ready = 0;
    do {
        ready = kernel.poll(news, 2, -1);
    } while (ready == -EINTR);
    if (ready < 0) return ready;
    if (news[0].revents == 0) return -EPIPE;
    char word = 0;
    const Result got = kernel.read(plan.listener.bring.get(), &word, 1);
    return got < 0 ? got : 0;
}

void be_courier(Kernel& kernel, const Plan& plan, pid_t pid, int pidfd) noexcept {
    static_cast<void>(kernel.control(PR_SET_PDEATHSIG, SIGKILL));
    static_cast<void>(kernel.control(PR_SET_DUMPABLE, 0));
    const Result process = kernel.duplicate_at_least(pidfd, first_free_place(plan));
    // Through the other end of the pair, which is ours as well.
    if (process < 0 || kernel.write(plan.listener.take.get(), "r", 1) != 1) {
        // It would wait for us.
        static_cast<void>(kernel.send_signal(pidfd, SIGKILL));
        kernel.exit_now(1);
    }
    pidfd = static_cast<int>(process);
    const int number = hear_number(kernel, plan, pidfd);
    // It is about to be there. There is nothing to wait for but time: the other process may not be able to tell.
    constexpr int pause_ms = 1;
    pollfd end{pidfd, POLLIN, 0};
    while (number >= 0) {
        const Result sent = send_descriptor(kernel, plan.listener.bring.get(), &pid, sizeof pid, number);
        if (sent != -EBADF || kernel.poll(&end, 1, pause_ms) > 0) break;
    }
    kernel.exit_now(0);
}

Courier::~Courier() {
    if (!pidfd_) return;
    static_cast<void>(kernel_->send_signal(pidfd_.get(), SIGKILL));
    wait();
}

void Courier::wait() noexcept {
    if (!pidfd_) return;
    siginfo_t info{};
    static_cast<void>(kernel_->wait_for_exit(pidfd_.get(), info, WEXITED | __WALL));
    pidfd_.reset();
}

bool serve_listener(Courier& courier, const Plan& plan, const std::function<std::string(pid_t)>& state) {
    courier.wait();
    pid_t pid = 0;
    const Received received = receive_descriptor(plan.listener.take.get(), &pid, sizeof pid, MSG_DONTWAIT,
                                                 "taking the seccomp listener from the contained process");
    if (received.size != sizeof pid || !received.fd) return false;
    const std::string doing = "sending the seccomp listener to " + quote(plan.listener.path);
    const UniqueFd socket = connect_unix(plan.listener.path, doing);
    const std::string message = container_process_state(pid, plan.listener.metadata, state(pid));
    const Result sent =
        send_descriptor(linux_kernel(), socket.get(), message.data(), message.size(), received.fd.get());
    if (sent < 0) throw system_error(static_cast<int>(-sent), doing);
    // A stream may take less at a time; the descriptor went with the first byte.
    while_doing([&] { return doing; },
                [&] { write_all(socket.get(), as_bytes(message).subspan(static_cast<std::size_t>(sent))); });
    return true;
}

}  // namespace smith::runtime
