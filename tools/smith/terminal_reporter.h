// SPDX-License-Identifier: Apache-2.0
//
// What smith says while it works, on standard error: messages a line each; on a terminal also one line of progress,
// which is cleared away before anything else is said.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/reporter.h"
#include "tools/smith/color.h"

namespace smith::cli {

struct ReporterSettings {
    int fd = 2;
    bool terminal = false;  ///< a progress line can be drawn and cleared
    bool color = false;
    bool quiet = false;    ///< warnings and errors only
    bool verbose = false;  ///< debug(), too
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
    std::function<std::size_t()> columns;  ///< width of the terminal; not given: 80
};

class TerminalReporter : public Reporter {
public:
    explicit TerminalReporter(ReporterSettings settings) : settings_(std::move(settings)) {}
    TerminalReporter(const TerminalReporter&) = delete;
    TerminalReporter& operator=(const TerminalReporter&) = delete;
    ~TerminalReporter() override { clear(); }

    void warn(std::string_view message) override;
    void info(std::string_view message) override;
    void debug(std::string_view message) override;
    void progress(std::string_view phase, std::uint64_t done, std::uint64_t total) override;

    /// "smith: <message>", whatever the settings.
    void error(std::string_view message);
    /// Lines for people that are neither of the above, such as what a failed test printed.
    void text(std::string_view lines);
    /// Takes the progress line away: somebody else is going to write to the terminal.
    void clear();

private:
    void say(std::string_view prefix, std::string_view color, std::string_view message);
    void clear_line();
    void write(std::string_view bytes) const;

    ReporterSettings settings_;
    std::mutex mutex_;
    bool line_drawn_ = false;
    std::string phase_;  ///< of the progress that was told last
    std::uint64_t phase_done_at_start_ = 0;
    std::chrono::steady_clock::time_point phase_began_;
    std::chrono::steady_clock::time_point last_shown_;
};

/// For this process's standard error, by its type and the variables NO_COLOR, CLICOLOR, CLICOLOR_FORCE and TERM.
/// (https://no-color.org, https://bixense.com/clicolors). Descriptor and verbosity are the caller's to set.
[[nodiscard]] ReporterSettings settings_for_standard_error(ColorMode color);

}  // namespace smith::cli
