// SPDX-License-Identifier: Apache-2.0
#include "runtime/signal_name.h"

#include <signal.h>

#include <array>
#include <charconv>
#include <string>

namespace smith::runtime {

namespace {

struct Name {
    std::string_view name;
    int signal;
};

constexpr std::array kNames = {
    Name{"HUP", SIGHUP},   Name{"INT", SIGINT},       Name{"QUIT", SIGQUIT}, Name{"ILL", SIGILL},
    Name{"TRAP", SIGTRAP}, Name{"ABRT", SIGABRT},     Name{"IOT", SIGIOT},   Name{"BUS", SIGBUS},
    Name{"FPE", SIGFPE},   Name{"KILL", SIGKILL},     Name{"USR1", SIGUSR1}, Name{"SEGV", SIGSEGV},
    Name{"USR2", SIGUSR2}, Name{"PIPE", SIGPIPE},     Name{"ALRM", SIGALRM}, Name{"TERM", SIGTERM},
    Name{"CHLD", SIGCHLD}, Name{"STKFLT", SIGSTKFLT}, Name{"CONT", SIGCONT}, Name{"STOP", SIGSTOP},
    Name{"TSTP", SIGTSTP}, Name{"TTIN", SIGTTIN},     Name{"TTOU", SIGTTOU}, Name{"URG", SIGURG},
    Name{"XCPU", SIGXCPU}, Name{"XFSZ", SIGXFSZ},     Name{"PROF", SIGPROF}, Name{"VTALRM", SIGVTALRM},
    Name{"IO", SIGIO},     Name{"WINCH", SIGWINCH},   Name{"PWR", SIGPWR},   Name{"SYS", SIGSYS},
    Name{"POLL", SIGPOLL}, Name{"CLD", SIGCHLD},
};

std::optional<int> number(std::string_view digits) {
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || digits[0] == '-' || error != std::errc() || end != digits.data() + digits.size()) return {};
    return value;
}

/// "RTMIN", "RTMIN+3", "RTMAX-2": libc keeps the first real-time signals for itself, so that RTMIN is not 32.
std::optional<int> real_time(std::string_view name) {
    const bool from_top = name.starts_with("RTMAX");
    if (!from_top && !name.starts_with("RTMIN")) return {};
    const int base = from_top ? SIGRTMAX : SIGRTMIN;
    name.remove_prefix(5);
    if (name.empty()) return base;
    const std::optional<int> offset = name[0] == (from_top ? '-' : '+') ? number(name.substr(1)) : std::nullopt;
    if (!offset || *offset > SIGRTMAX - SIGRTMIN) return {};
    return from_top ? base - *offset : base + *offset;
}

}  // namespace

std::optional<int> parse_signal(std::string_view text) {
    // Also what libc keeps for itself may be sent: the kernel has 64.
    constexpr int highest = 64;
    if (const std::optional<int> value = number(text)) {
        return *value >= 1 && *value <= highest ? value : std::nullopt;
    }
    std::string name(text);
    for (char& c : name) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    if (name.starts_with("SIG")) name.erase(0, 3);
    for (const Name& known : kNames) {
        if (known.name == name) return known.signal;
    }
    return real_time(name);
}

}  // namespace smith::runtime
