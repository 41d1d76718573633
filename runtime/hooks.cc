// SPDX-License-Identifier: Apache-2.0
#include "runtime/hooks.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace smith::runtime {

namespace {

/// Between fork and exec. What the hook inherits is 0 (the state), 1 and 2 (both are where messages go); nothing else.
[[noreturn]] void become_hook(Kernel& kernel, const PlannedHook& hook, int state) noexcept {
    constexpr int kExecFailed = 127;
    for (int signal = 1; signal <= SIGRTMAX; ++signal) static_cast<void>(kernel.default_signal_action(signal));
    static_cast<void>(kernel.unblock_all_signals());
    const bool ready = kernel.seek_start(state) >= 0 && kernel.duplicate_to(state, 0) >= 0 &&
                       kernel.duplicate_to(2, 1) >= 0 && kernel.close_on_exec_from(3) >= 0;
    if (ready) static_cast<void>(kernel.execute(hook.path, hook.arguments.data(), hook.environment.data()));
    kernel.exit_now(kExecFailed);
}

/// Three digits at most: statuses and signals.
void say(char (&text)[kFailureTextBytes], const char* words, int number) noexcept {
    std::size_t at = strlen(words);
    std::memcpy(text, words, at);
    if (number >= 100) text[at++] = static_cast<char>('0' + number / 100 % 10);
    if (number >= 10) text[at++] = static_cast<char>('0' + number / 10 % 10);
    text[at++] = static_cast<char>('0' + number % 10);
    text[at] = '\0';
}

Result judge(const siginfo_t& info, bool timed_out, int timeout_ms, char (&text)[kFailureTextBytes]) noexcept {
    if (timed_out) {
        if (timeout_ms < 1000 * 1000)
            say(text, "did not end in time, which was, in seconds, ", timeout_ms / 1000);
        else
            std::memcpy(text, "did not end in time", sizeof "did not end in time");
        return -ECANCELED;
    }
    if (info.si_code == CLD_EXITED && info.si_status == 0) return 0;
    say(text, info.si_code == CLD_EXITED ? "ended with status " : "was killed by signal ", info.si_status);
    return -ECANCELED;
}

}  // namespace

PlannedHook plan_hook(const Hook& hook) {
    return {hook.path.c_str(), pointers_to(hook.args), pointers_to(hook.env), hook.timeout_ms};
}

Result run_hook(Kernel& kernel, const PlannedHook& hook, int state, char (&text)[kFailureTextBytes]) noexcept {
    int pidfd = -1;
    const Result pid = kernel.clone(0, SIGCHLD, pidfd);
    if (pid == 0) become_hook(kernel, hook, state);
    if (pid < 0) return pid;
    pollfd end{pidfd, POLLIN, 0};
    Result ended = 0;
    do {
        ended = kernel.poll(&end, 1, hook.timeout_ms);
    } while (ended == -EINTR);
    if (ended <= 0) static_cast<void>(kernel.send_signal(pidfd, SIGKILL));
    siginfo_t info{};
    const Result waited = kernel.wait_for_exit(pidfd, info, WEXITED | __WALL);
    static_cast<void>(kernel.close(pidfd));
    if (ended < 0 || waited < 0) return ended < 0 ? ended : waited;
    return judge(info, ended == 0, hook.timeout_ms, text);
}

UniqueFd memory_file(Kernel& kernel, std::string_view text) {
    const Result fd = kernel.create_memory_file("smith-state");
    if (fd < 0) throw system_error(static_cast<int>(-fd), "making room for the state that hooks read");
    UniqueFd file(static_cast<int>(fd));
    write_all(file.get(), as_bytes(text));
    return file;
}

void run_hooks(Kernel& kernel, const std::vector<Hook>& hooks, std::string_view kind, std::string_view state) {
    if (hooks.empty()) return;
    const UniqueFd file = memory_file(kernel, state);
    for (const Hook& hook : hooks) {
        char text[kFailureTextBytes] = {};
        const Result result = run_hook(kernel, plan_hook(hook), file.get(), text);
        if (result >= 0) continue;
        const std::string which = "the " + std::string(kind) + " hook " + quote(hook.path);
        if (result == -ECANCELED) throw Error(ErrorKind::system, which + " " + text);
        throw system_error(static_cast<int>(-result), "running " + which);
    }
}

}  // namespace smith::runtime
