// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/interrupt.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace smith::cli {

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
constexpr unsigned char kStop = 0;

// What a signal handler may touch.
std::atomic<int> signal_pipe{-1};
std::atomic<bool> interrupted{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

std::array<struct sigaction, kSignals.size()> actions_before;

extern "C" void tell_the_thread(int number) {
    const int saved = errno;
    interrupted = true;
    const auto byte = static_cast<unsigned char>(number);
    static_cast<void>(!::write(signal_pipe, &byte, 1));
    errno = saved;
}

/// The names that base/atomic_file.cc and builder/bundle.cc give to what goes away again.
bool is_temporary(std::string_view name) { return name.starts_with(".tmp-") || name.starts_with("bundle-"); }

/// A file that got its temporary name from us a moment ago, and is about to get its own.
bool is_ours_by_name(std::string_view name) { return name.starts_with(".tmp-" + std::to_string(::getpid()) + "-"); }

/// True when `fd` holds the lock on its file. Another process's temporary, which a sweep of ours is looking at just
/// now, is locked by that process; what only looks like a temporary is locked by nobody.
bool holds_lock(int fd, const std::filesystem::path& link) {
    const UniqueFd again(::open(link.c_str(), O_RDONLY | O_CLOEXEC));
    const bool locked = again && ::flock(again.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    return locked && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

[[noreturn]] void die_of(int number) {
    static_cast<void>(std::signal(number, SIG_DFL));
    static_cast<void>(::kill(::getpid(), number));
    // The signal is on its way to some thread of this process.
    wait_for_the_end();
}

/// What the guard's thread does: reads the number of a signal, or kStop.
void wait_for_signal(TerminalReporter& reporter, int fd) {
    const UniqueFd read_end(fd);
    unsigned char number = kStop;
    while (::read(read_end.get(), &number, 1) < 0 && errno == EINTR) {
    }
    if (number == kStop) return;
    reporter.clear();
    remove_own_temporaries();
    die_of(number);
}

}  // namespace

InterruptGuard::InterruptGuard(TerminalReporter& reporter) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    write_end_ = UniqueFd(ends[1]);
    signal_pipe = ends[1];
    thread_ = std::thread([&reporter, fd = ends[0]] { wait_for_signal(reporter, fd); });

    struct sigaction action {};
    action.sa_handler = tell_the_thread;
    // The second Ctrl-C is for whoever can't wait for the clearing.
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        static_cast<void>(::sigaction(kSignals.at(i), nullptr, &actions_before.at(i)));
        // Whoever started us with a signal ignored (nohup, a script's background job) meant it.
        if (actions_before.at(i).sa_handler != SIG_IGN)
            static_cast<void>(::sigaction(kSignals.at(i), &action, nullptr));
    }
}

InterruptGuard::~InterruptGuard() {
    if (interrupted) wait_for_the_end();
    for (std::size_t i = 0; i < kSignals.size(); ++i)
        static_cast<void>(::sigaction(kSignals.at(i), &actions_before.at(i), nullptr));
    static_cast<void>(!::write(write_end_.get(), &kStop, 1));
    thread_.join();
    signal_pipe = -1;
}

bool was_interrupted() { return interrupted; }

void wait_for_the_end() {
    for (;;) ::pause();
}

void remove_own_temporaries() {
    namespace fs = std::filesystem;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd", ignored)) {
        const fs::path target = fs::read_symlink(entry.path(), ignored);
        const std::string name = target.filename().string();
        if (!is_temporary(name)) continue;
        const std::string number = entry.path().filename().string();
        int fd = -1;
        static_cast<void>(std::from_chars(number.data(), number.data() + number.size(), fd));
        if (is_ours_by_name(name) || holds_lock(fd, entry.path())) fs::remove_all(target, ignored);
    }
}

}  // namespace smith::cli
