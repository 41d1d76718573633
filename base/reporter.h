// SPDX-License-Identifier: Apache-2.0
//
// How library code says something without knowing about terminals. Only tools/ implements it for people; tests record
// what they were told.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smith {

/// All members may be called from any thread.
class Reporter {
public:
    virtual ~Reporter() = default;

    /// A tolerated problem that a person should see. Ends in ", ignoring" where something was dropped.
    virtual void warn(std::string_view message) = 0;
    /// One line of what is being done, in ordinary output.
    virtual void info(std::string_view message) = 0;
    /// A detail for -v.
    virtual void debug(std::string_view message) = 0;

    /// A phase with a measurable end, such as "downloading": `done` of `total` units (bytes or items; total 0: not
    /// known). Called often; the implementation decides how much of it is shown.
    virtual void progress(std::string_view phase, std::uint64_t done, std::uint64_t total) = 0;
};

/// Says nothing.
[[nodiscard]] Reporter& silent_reporter();

/// Passes everything on, and remembers whether there was a warning.
class WatchingReporter : public Reporter {
public:
    explicit WatchingReporter(Reporter& to) : to_(to) {}
    void warn(std::string_view message) override {
        warned_ = true;
        to_.warn(message);
    }
    void info(std::string_view message) override { to_.info(message); }
    void debug(std::string_view message) override { to_.debug(message); }
    void progress(std::string_view phase, std::uint64_t done, std::uint64_t total) override {
        to_.progress(phase, done, total);
    }
    [[nodiscard]] bool warned() const noexcept { return warned_; }

private:
    Reporter& to_;
    std::atomic<bool> warned_ = false;
};

/// Keeps what it was told, for tests.
class RecordingReporter : public Reporter {
public:
    void warn(std::string_view message) override { warnings.emplace_back(message); }
    void info(std::string_view message) override { infos.emplace_back(message); }
    void debug(std::string_view message) override { static_cast<void>(message); }
    void progress(std::string_view, std::uint64_t, std::uint64_t) override {}

    std::vector<std::string> warnings;
    std::vector<std::string> infos;
};

}  // namespace smith
