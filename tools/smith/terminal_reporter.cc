// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/terminal_reporter.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "tools/smith/text.h"

namespace smith::cli {

namespace {

constexpr std::string_view kYellow = "\x1b[1;33m";
constexpr std::string_view kRed = "\x1b[1;31m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::string_view kClearLine = "\r\x1b[K";

// Ten a second look alive; more only keep the terminal busy.
constexpr std::chrono::milliseconds kRedraw{100};
// A log should show that something goes on, and not much more.
constexpr std::chrono::seconds kLogEvery{10};

/// Phases that count bytes; all others count items.
bool counts_bytes(std::string_view phase) { return phase == "metadata" || phase == "packages"; }

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

bool is(const char* variable, std::string_view expected) {
    const char* value = std::getenv(variable);
    return value != nullptr && value == expected;
}

bool wants_color(ColorMode mode, bool terminal) {
    if (mode != ColorMode::automatic) return mode == ColorMode::always;
    if (is_set("NO_COLOR")) return false;
    if (is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0")) return true;
    return terminal && !is("CLICOLOR", "0");
}

std::size_t terminal_columns() {
    struct winsize size {};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

}  // namespace

void TerminalReporter::warn(std::string_view message) { say("warning: ", kYellow, message); }

void TerminalReporter::error(std::string_view message) { say("", kRed, message); }

void TerminalReporter::info(std::string_view message) {
    if (!settings_.quiet) text(std::string(message) + "\n");
}

void TerminalReporter::debug(std::string_view message) {
    if (settings_.verbose) text(std::string(message) + "\n");
}

void TerminalReporter::text(std::string_view lines) {
    const std::lock_guard lock(mutex_);
    clear_line();
    // Names in a message are quoted already; what a server or a package said may still hold anything.
    write(printable(lines, Lines::keep));
}

void TerminalReporter::clear() {
    const std::lock_guard lock(mutex_);
    clear_line();
}

void TerminalReporter::progress(std::string_view phase, std::uint64_t done, std::uint64_t total) {
    if (settings_.quiet) return;
    const std::lock_guard lock(mutex_);
    const auto now = settings_.now();
    const bool fresh = phase != phase_;
    if (fresh) {
        phase_ = phase;
        phase_done_at_start_ = done;
        phase_began_ = now;
        last_shown_ = settings_.terminal ? now - kRedraw : now;
    }
    const bool finished = total > 0 && done >= total;
    const auto pause = settings_.terminal ? std::chrono::milliseconds(kRedraw) : std::chrono::milliseconds(kLogEvery);
    if (now - last_shown_ >= pause && !finished) {
        Progress progress{.phase = phase_, .bytes = counts_bytes(phase_), .done = done, .total = total};
        progress.done_at_start = phase_done_at_start_;
        progress.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - phase_began_);
        last_shown_ = now;
        if (settings_.terminal) {
            const std::size_t columns = settings_.columns ? settings_.columns() : 80;
            // One column stays free: at the last one some terminals go to the next line.
            write(std::string(kClearLine) + progress_line(progress, columns - 1));
            line_drawn_ = true;
        } else {
            write(progress_words(progress) + "\n");
        }
    }
    if (finished) {
        clear_line();
        phase_.clear();
    }
}

void TerminalReporter::say(std::string_view prefix, std::string_view color, std::string_view message) {
    const std::string_view begin = settings_.color ? color : "";
    const std::string_view end = settings_.color ? kPlain : "";
    std::string line = std::string(begin) + "smith: " + std::string(prefix) + std::string(end);
    line += printable(message, Lines::keep);
    const std::lock_guard lock(mutex_);
    clear_line();
    write(line + "\n");
}

void TerminalReporter::clear_line() {
    if (!line_drawn_) return;
    write(kClearLine);
    line_drawn_ = false;
}

void TerminalReporter::write(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t count = ::write(settings_.fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        // Nobody listens: there is no one to tell that to either.
        if (count <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

ReporterSettings settings_for_standard_error(ColorMode color) {
    ReporterSettings settings;
    settings.terminal = ::isatty(STDERR_FILENO) == 1 && !is("TERM", "dumb");
    settings.color = wants_color(color, settings.terminal);
    settings.columns = terminal_columns;
    return settings;
}

}  // namespace smith::cli
