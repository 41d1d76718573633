// SPDX-License-Identifier: Apache-2.0
//
// What the reporter writes, through a pipe and with a clock of our own.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "tools/smith/terminal_reporter.h"

using namespace smith;
using namespace smith::cli;
using namespace std::chrono_literals;

namespace {

class Screen {
public:
    Screen() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
        read_ = UniqueFd(ends[0]);
        write_ = UniqueFd(ends[1]);
    }

    ReporterSettings settings(bool terminal) {
        ReporterSettings out;
        out.fd = write_.get();
        out.terminal = terminal;
        out.now = [this] { return now; };
        return out;
    }

    /// What was written since the last call, escapes spelled out.
    std::string shown() {
        std::string out;
        std::array<char, 65536> buffer{};
        const ssize_t count = ::read(read_.get(), buffer.data(), buffer.size());
        for (ssize_t i = 0; i < count; ++i) {
            const char c = buffer.at(static_cast<std::size_t>(i));
            out += c == '\x1b' ? "^" : c == '\r' ? "<" : std::string(1, c);
        }
        return out;
    }

    std::chrono::steady_clock::time_point now;

private:
    UniqueFd read_;
    UniqueFd write_;
};

}  // namespace

TEST_CASE("messages are lines", "[cli]") {
    Screen screen;
    TerminalReporter reporter(screen.settings(false));
    reporter.warn("careful");
    reporter.info("going on");
    reporter.debug("details");
    reporter.error("building 'x': no");
    CHECK(screen.shown() == "smith: warning: careful\ngoing on\nsmith: building 'x': no\n");
}

TEST_CASE("-q leaves warnings and errors, -v adds details", "[cli]") {
    Screen screen;
    ReporterSettings settings = screen.settings(true);
    SECTION("quiet") {
        settings.quiet = true;
        TerminalReporter reporter(settings);
        reporter.info("going on");
        reporter.progress("downloading", 1, 2);
        reporter.warn("careful");
        CHECK(screen.shown() == "smith: warning: careful\n");
    }
    SECTION("verbose") {
        settings.verbose = true;
        TerminalReporter reporter(settings);
        reporter.debug("details");
        CHECK(screen.shown() == "details\n");
    }
}

TEST_CASE("colour is for the first words only", "[cli]") {
    Screen screen;
    ReporterSettings settings = screen.settings(true);
    settings.color = true;
    TerminalReporter reporter(settings);
    reporter.warn("careful");
    reporter.error("no");
    CHECK(screen.shown() == "^[1;33msmith: warning: ^[0mcareful\n^[1;31msmith: ^[0mno\n");
}

TEST_CASE("no message moves the cursor", "[cli]") {
    Screen screen;
    TerminalReporter reporter(screen.settings(true));
    reporter.warn("a\x1b[2Jb\rc");
    CHECK(screen.shown() == "smith: warning: a\\x1b[2Jb\\x0dc\n");
}

TEST_CASE("on a terminal progress is one line, drawn ten times a second, gone at the end", "[cli]") {
    Screen screen;
    TerminalReporter reporter(screen.settings(true));
    reporter.progress("packages", 0, 0);
    CHECK(screen.shown() == "<^[Kpackages  0 B");
    screen.now += 50ms;
    reporter.progress("packages", 10, 0);
    CHECK(screen.shown().empty());
    screen.now += 50ms;
    reporter.progress("packages", 20, 40);
    CHECK(screen.shown() == "<^[Kpackages [#####-----]  50%  20 B/40 B");
    reporter.info("by the way");
    CHECK(screen.shown() == "<^[Kby the way\n");
    screen.now += 100ms;
    reporter.progress("packages", 30, 40);
    static_cast<void>(screen.shown());
    reporter.progress("packages", 40, 40);
    CHECK(screen.shown() == "<^[K");
}

TEST_CASE("the line of progress is narrower than the terminal", "[cli]") {
    Screen screen;
    ReporterSettings settings = screen.settings(true);
    settings.columns = [] { return std::size_t{10}; };
    TerminalReporter reporter(settings);
    reporter.progress("packages", 1, 2);
    CHECK(screen.shown() == "<^[Kpackages ");
}

TEST_CASE("in a log progress is told every ten seconds, and no quick phase at all", "[cli]") {
    Screen screen;
    TerminalReporter reporter(screen.settings(false));
    reporter.progress("packages", 0, 4096);
    screen.now += 9s;
    reporter.progress("packages", 1024, 4096);
    CHECK(screen.shown().empty());
    screen.now += 1s;
    reporter.progress("packages", 2048, 4096);
    CHECK(screen.shown() == "packages: 2.0 KiB of 4.0 KiB\n");
    reporter.progress("packages", 4096, 4096);
    CHECK(screen.shown().empty());
}

TEST_CASE("many threads may report at once", "[cli]") {
    Screen screen;
    {
        TerminalReporter reporter(screen.settings(true));
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                for (std::uint64_t i = 0; i < 100; ++i) {
                    reporter.progress("downloading", i, 100);
                    if (i % 50 == 0) reporter.warn("w");
                }
            });
    }
    const std::string shown = screen.shown();
    std::size_t warnings = 0;
    for (std::size_t at = shown.find("smith: warning: w\n"); at != std::string::npos;
         at = shown.find("smith: warning: w\n", at + 1))
        ++warnings;
    CHECK(warnings == 8);
}
