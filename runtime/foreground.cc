// SPDX-License-Identifier: Apache-2.0
#include "runtime/foreground.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "base/error.h"

namespace smith::runtime {

namespace {

// What a signal handler may touch: the pipe's write end.
std::atomic<int> signal_pipe = -1;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void note_signal(int signal) {
    const int saved = errno;
    const auto byte = static_cast<unsigned char>(signal);
    // A full pipe holds thousands of signals already.
    static_cast<void>(write(signal_pipe.load(), &byte, 1) == 1);
    errno = saved;
}

std::vector<int> forwarded_signals() {
    std::vector<int> out = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) out.push_back(signal);
    return out;
}

bool asks_to_end(int signal) { return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == SIGHUP; }

}  // namespace

SignalForwarding::SignalForwarding() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) throw system_error(errno, "making a pipe for signals");
    read_ = UniqueFd(fds[0]);
    write_ = UniqueFd(fds[1]);
    signal_pipe = write_.get();
    struct sigaction action {};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    for (const int signal : forwarded_signals()) {
        struct sigaction before {};
        sigaction(signal, nullptr, &before);
        // nohup(1) and shells without job control ask that these be ignored, by all that they start.
        if (before.sa_handler == SIG_IGN) continue;
        if (sigaction(signal, &action, nullptr) == 0) before_.push_back({signal, before});
    }
}

SignalForwarding::~SignalForwarding() {
    for (const auto& [signal, action] : before_) sigaction(signal, &action, nullptr);
    signal_pipe = -1;
}

int SignalForwarding::next() const noexcept {
    unsigned char byte = 0;
    return read(read_.get(), &byte, 1) == 1 ? byte : 0;
}

namespace {

using Clock = std::chrono::steady_clock;

int milliseconds_to(const std::optional<Clock::time_point>& deadline) {
    if (!deadline) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX));
}

void forward(Container& container, int signal, const AttendOptions& options) {
    if (signal == SIGWINCH && options.terminal != nullptr) return options.terminal->resize();
    options.supply_default_actions ? container.deliver(signal) : container.signal(signal);
}

}  // namespace

ExitStatus attend(Container& container, const SignalForwarding& forwarding, const AttendOptions& options) {
    std::optional<Clock::time_point> deadline;
    for (;;) {
        // Process, signals, and the two of a terminal; poll skips those that are -1.
        std::array<pollfd, 4> events = {{{container.pidfd(), POLLIN, 0}, {forwarding.fd(), POLLIN, 0}}};
        std::array<pollfd, 2> terminal = {{{-1, 0, 0}, {-1, 0, 0}}};
        if (options.terminal != nullptr) terminal = options.terminal->events();
        std::copy(terminal.begin(), terminal.end(), events.begin() + 2);
        const int ready = poll(events.data(), events.size(), milliseconds_to(deadline));
        if (ready < 0 && errno != EINTR) throw system_error(errno, "waiting for the container");
        if (ready > 0 && options.terminal != nullptr) {
            std::copy(events.begin() + 2, events.end(), terminal.begin());
            options.terminal->move(terminal);
        }
        if (ready > 0 && events[0].revents != 0) {
            if (options.terminal != nullptr) options.terminal->drain();
            return container.wait();
        }
        while (const int signal = forwarding.next()) {
            forward(container, signal, options);
            if (asks_to_end(signal) && options.grace && !deadline) deadline = Clock::now() + *options.grace;
        }
        if (deadline && Clock::now() >= *deadline) {
            container.signal(SIGKILL);
            return container.wait();
        }
    }
}

ExitStatus run(const std::filesystem::path& bundle, const RunOptions& options) {
    // First the handlers: a signal that comes while the container starts is forwarded as soon as it runs.
    const SignalForwarding forwarding;
    Container container = Container::start(bundle, options);
    AttendOptions how;
    how.grace = options.grace;
    return attend(container, forwarding, how);
}

}  // namespace smith::runtime
