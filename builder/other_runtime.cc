// SPDX-License-Identifier: Apache-2.0
#include "builder/other_runtime.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "runtime/connect.h"
#include "runtime/user_string.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// How long a runtime may take to take note of the end of what it runs, once that was killed.
constexpr milliseconds kPatience{10'000};
// runc writes the pid file when the program runs already: what comes before that is kept, and tried again after this.
constexpr milliseconds kMoment{20};

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> out;
    for (std::string& word : words) out.push_back(word.data());
    out.push_back(nullptr);
    return out;
}

/// Descriptors that become 0, 1 and 2 of a new program, and how it starts out.
class SpawnSettings {
public:
    SpawnSettings() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        // A group of its own: what a terminal sends to ours is passed on once, and not sent to it as well.
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }

    void give(int fd, int as) {
        // A descriptor that is in its place already must only lose its close-on-exec, which glibc does for equal
        // numbers.
        if (fd >= 0) {
            ::posix_spawn_file_actions_adddup2(&actions_, fd, as);
        } else {
            ::posix_spawn_file_actions_addopen(&actions_, as, "/dev/null", O_RDWR, 0);
        }
    }

    pid_t spawn(std::vector<std::string> words) const {
        pid_t pid = 0;
        const int error =
            ::posix_spawn(&pid, words.front().c_str(), &actions_, &attributes_, pointers_to(words).data(), environ);
        if (error != 0) throw system_error(error, "executing the runtime " + quote(words.front()));
        return pid;
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

int wait_for_child(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) throw system_error(errno, "waiting for the runtime");
    }
    return status;
}

/// Between fork and execve: system calls only.
[[noreturn]] void wait_and_execute(int end_of_parent, char* const* words) noexcept {
    static_cast<void>(::setsid());
    constexpr int kept = 3;
    if (::dup2(end_of_parent, kept) == kept) {
        static_cast<void>(::syscall(SYS_close_range, kept + 1, ~0U, 0));
        char nothing = 0;
        while (::read(kept, &nothing, 1) < 0 && errno == EINTR) {
        }
        static_cast<void>(::close(kept));
        ::execve(words[0], words, environ);
    }
    ::_exit(1);
}

}  // namespace

OtherRuntime::OtherRuntime(const fs::path& bundle, const runtime::Stdio& stdio, RuntimeChoice runtime)
    : runtime_(std::move(runtime)), bundle_(bundle), id_("smith-" + bundle.filename().string()) {
    // Of the run before, in the same bundle.
    static_cast<void>(::unlink((bundle_ / "pid").c_str()));
    if (::mkdir((bundle_ / "state").c_str(), 0700) != 0 && errno != EEXIST) {
        throw system_error(errno, "making a directory for the runtime's state");
    }
    start_aftercare();
    SpawnSettings settings;
    settings.give(stdio.in, 0);
    settings.give(stdio.out, 1);
    settings.give(stdio.err, 2);
    program_ =
        settings.spawn(command({"run", "--bundle", bundle_.string(), "--pid-file", (bundle_ / "pid").string(), id_}));
    pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, program_, 0)));
    if (!pidfd_) throw system_error(errno, "watching the runtime");
}

OtherRuntime::~OtherRuntime() {
    if (program_ != 0 && !status_) {
        try {
            static_cast<void>(call({"kill", id_, "KILL"}));
            if (!wait_for(kPatience)) {
                static_cast<void>(::kill(program_, SIGKILL));
                static_cast<void>(wait());
            }
        } catch (const Error&) {
            // Somebody else waited for it: it is gone all the same.
        }
        static_cast<void>(call({"delete", "--force", id_}));
    }
    end_aftercare();
}

std::vector<std::string> OtherRuntime::command(const std::vector<std::string>& words) const {
    std::vector<std::string> out = {runtime_.program};
    out.insert(out.end(), runtime_.flags.begin(), runtime_.flags.end());
    out.emplace_back("--root");
    out.push_back((bundle_ / "state").string());
    out.insert(out.end(), words.begin(), words.end());
    return out;
}

bool OtherRuntime::call(const std::vector<std::string>& words) const {
    try {
        SpawnSettings settings;
        for (const int fd : {0, 1, 2}) settings.give(-1, fd);
        return wait_for_child(settings.spawn(command(words))) == 0;
    } catch (const Error&) {
        return false;
    }
}

void OtherRuntime::start_aftercare() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    const UniqueFd end_of_parent(fds[0]);
    aftercare_signal_ = UniqueFd(fds[1]);
    std::vector<std::string> words = command({"delete", "--force", id_});
    const std::vector<char*> pointers = pointers_to(words);
    aftercare_ = ::fork();
    if (aftercare_ < 0) throw system_error(errno, "starting the container's guard");
    if (aftercare_ == 0) wait_and_execute(end_of_parent.get(), pointers.data());
}

void OtherRuntime::end_aftercare() noexcept {
    if (aftercare_ <= 0) return;
    // Killed before the pipe is closed: it has nothing left to do.
    static_cast<void>(::kill(aftercare_, SIGKILL));
    int status = 0;
    while (::waitpid(aftercare_, &status, 0) < 0 && errno == EINTR) {
    }
}

pid_t OtherRuntime::pid() const {
    try {
        // A number; some write a newline behind it.
        std::string text = read_file(bundle_ / "pid", 32);
        while (!text.empty() && text.back() == '\n') text.pop_back();
        return static_cast<pid_t>(runtime::parse_id(text).value_or(0));
    } catch (const Error&) {
        return 0;
    }
}

bool OtherRuntime::deliver(int signal) {
    const pid_t init = pid();
    if (init == 0) return false;
    const bool supplied = signal != SIGKILL && runtime::would_die_of(init, signal);
    if (supplied) supplied_signal_ = signal;
    static_cast<void>(call({"kill", id_, supplied ? "KILL" : std::to_string(signal)}));
    return true;
}

void OtherRuntime::stop(milliseconds grace, int signal) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point deadline = Clock::now() + grace;
    while (!status_ && !deliver(signal) && Clock::now() < deadline) static_cast<void>(wait_for(kMoment));
    if (wait_for(std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(deadline - Clock::now())))) return;
    static_cast<void>(call({"kill", id_, "KILL"}));
    if (!wait_for(kPatience)) throw Error(ErrorKind::system, "the container cannot be killed");
}

runtime::ExitStatus OtherRuntime::wait() {
    if (status_) return *status_;
    const int status = wait_for_child(program_);
    status_ =
        WIFEXITED(status) ? runtime::ExitStatus{WEXITSTATUS(status), 0} : runtime::ExitStatus{0, WTERMSIG(status)};
    // As all of them tell that a signal ended the container.
    if (supplied_signal_ != 0 && status_->code == 128 + SIGKILL) status_ = runtime::ExitStatus{0, supplied_signal_};
    return *status_;
}

std::optional<runtime::ExitStatus> OtherRuntime::wait_for(milliseconds timeout) {
    if (status_) return status_;
    using Clock = std::chrono::steady_clock;
    const Clock::time_point deadline = Clock::now() + timeout;
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
        pollfd end{pidfd_.get(), POLLIN, 0};
        const int ready = ::poll(&end, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX)));
        if (ready > 0) return wait();
        if (ready < 0 && errno != EINTR) throw system_error(errno, "waiting for the runtime");
        if (ready == 0 && Clock::now() >= deadline) return std::nullopt;
    }
}

runtime::ExitStatus OtherRuntime::attend(const runtime::SignalForwarding& forwarding) {
    std::vector<int> pending;
    for (;;) {
        pollfd events[2] = {{pidfd_.get(), POLLIN, 0}, {forwarding.fd(), POLLIN, 0}};
        const int timeout = pending.empty() ? -1 : static_cast<int>(kMoment.count());
        if (::poll(events, 2, timeout) < 0 && errno != EINTR) throw system_error(errno, "waiting for the runtime");
        if (events[0].revents != 0) return wait();
        while (const int signal = forwarding.next()) pending.push_back(signal);
        while (!pending.empty() && deliver(pending.front())) pending.erase(pending.begin());
    }
}

UniqueFd OtherRuntime::connect_tcp(std::uint16_t port, milliseconds timeout) {
    const pid_t init = pid();
    const UniqueFd pidfd(init == 0 ? -1 : static_cast<int>(::syscall(SYS_pidfd_open, init, 0)));
    if (!pidfd) return UniqueFd();
    // Which it has is for whoever runs it to know; the host's own can be entered, too, by who may.
    const auto differs = [&](const char* kind) {
        std::error_code ignored;
        const fs::path link = fs::path("ns") / kind;
        const fs::path theirs = fs::read_symlink("/proc" / fs::path(std::to_string(init)) / link, ignored);
        return theirs != fs::read_symlink("/proc/self" / link, ignored);
    };
    std::uint64_t namespaces = 0;
    if (differs("user")) namespaces |= CLONE_NEWUSER;
    if (differs("net")) namespaces |= CLONE_NEWNET;
    return runtime::connect_inside(runtime::linux_kernel(), pidfd.get(), namespaces, port, timeout);
}

std::string OtherRuntime::failure() const {
    if (!status_ || pid() != 0) return "";
    return "the runtime " + quote(runtime_.program) + " made no container of it";
}

}  // namespace smith::builder
