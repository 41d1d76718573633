// SPDX-License-Identifier: Apache-2.0
#include "runtime/terminal_relay.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <utility>

#include "base/error.h"

namespace smith::runtime {

namespace {

// A terminal's own buffer.
constexpr std::size_t kBufferBytes = 4096;

}  // namespace

TerminalRelay::TerminalRelay(UniqueFd master, int in, int out) : master_(std::move(master)), in_(in), out_(out) {
    static_cast<void>(fcntl(master_.get(), F_SETFL, fcntl(master_.get(), F_GETFL) | O_NONBLOCK));
    termios now{};
    if (tcgetattr(in_, &now) != 0) return;
    resize();
    before_ = now;
    cfmakeraw(&now);
    static_cast<void>(tcsetattr(in_, TCSADRAIN, &now));
}

TerminalRelay::~TerminalRelay() {
    if (before_) static_cast<void>(tcsetattr(in_, TCSADRAIN, &*before_));
}

void TerminalRelay::resize() noexcept {
    winsize size{};
    if (ioctl(in_, TIOCGWINSZ, &size) == 0) static_cast<void>(ioctl(master_.get(), TIOCSWINSZ, &size));
}

std::array<pollfd, 2> TerminalRelay::events() const noexcept {
    // No more is read than the program takes.
    const bool reads = in_open_ && typed_.empty();
    const auto master = static_cast<short>(POLLIN | (typed_.empty() ? 0 : POLLOUT));
    return {{{reads ? in_ : -1, POLLIN, 0}, {master_open_ ? master_.get() : -1, master, 0}}};
}

void TerminalRelay::move(const std::array<pollfd, 2>& events) {
    if (events[0].revents != 0) read_input();
    if ((events[1].revents & POLLOUT) != 0) write_input();
    if ((events[1].revents & ~POLLOUT) != 0) read_output();
}

void TerminalRelay::read_input() {
    char buffer[kBufferBytes];
    const ssize_t got = read(in_, buffer, sizeof buffer);
    if (got > 0) {
        typed_.assign(buffer, static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
        in_open_ = false;
        typed_ = "\x04";  // ^D: there is no other way to tell a terminal of the end
    }
    write_input();
}

void TerminalRelay::write_input() {
    const ssize_t written = write(master_.get(), typed_.data(), typed_.size());
    if (written > 0) typed_.erase(0, static_cast<std::size_t>(written));
    if (written < 0 && errno != EAGAIN && errno != EINTR) typed_.clear();  // nobody is there to take it
}

void TerminalRelay::read_output() {
    char buffer[kBufferBytes];
    const ssize_t got = read(master_.get(), buffer, sizeof buffer);
    if (got > 0) {
        write_all(out_, std::as_bytes(std::span(buffer, static_cast<std::size_t>(got))));
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        master_open_ = false;  // EIO: the last one that had the slave open is gone
    }
}

void TerminalRelay::drain() {
    for (;;) {
        pollfd ready{master_.get(), POLLIN, 0};
        if (!master_open_ || poll(&ready, 1, 0) <= 0) return;
        read_output();
    }
}

}  // namespace smith::runtime
