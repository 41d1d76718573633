// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/text.h"

#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tools/smith/context.h"
#include "tools/smith/failure.h"
#include "tools/smith/json_text.h"
#include "tools/smith/test_report.h"

using namespace smith;
using namespace smith::cli;
using namespace std::chrono_literals;

TEST_CASE("sizes are told in powers of 1024 with one decimal", "[cli]") {
    CHECK(format_bytes(0) == "0 B");
    CHECK(format_bytes(1023) == "1023 B");
    CHECK(format_bytes(1024) == "1.0 KiB");
    CHECK(format_bytes(1024 * 1024 - 1) == "1023.9 KiB");
    CHECK(format_bytes(1536 * 1024) == "1.5 MiB");
    CHECK(format_bytes(std::numeric_limits<std::uint64_t>::max()) == "15.9 EiB");
}

TEST_CASE("durations are told as clocks do", "[cli]") {
    CHECK(format_duration(0s) == "0 s");
    CHECK(format_duration(59s) == "59 s");
    CHECK(format_duration(125s) == "2:05");
    CHECK(format_duration(3725s) == "1:02:05");
}

TEST_CASE("nothing that a terminal would obey is printable", "[cli]") {
    CHECK(printable("caf\xc3\xa9") == "caf\xc3\xa9");
    CHECK(printable("a\x1b[2Jb\n\x7f\xff\xc2\x9b") == "a\\x1b[2Jb\\x0a\\x7f\\xff\\xc2\\x9b");
    CHECK(printable("a\tb\nc\r", Lines::keep) == "a\tb\nc\\x0d");
    CHECK(name_for_terminal("/a b") == "/a b");
    CHECK(name_for_terminal("/a\nb") == "'/a\\x0ab'");
}

TEST_CASE("a command line is told as it would be typed", "[cli]") {
    CHECK(command_line({"/bin/x", "-e", "a b", "", "it's"}) == "/bin/x -e 'a b' '' 'it'\\''s'");
}

TEST_CASE("a progress line has share, rate and what is left", "[cli]") {
    CHECK(progress_line({"downloading", true, 1024 * 1024, 2 * 1024 * 1024, 0, 2s}, 200) ==
          "downloading [#####-----]  50%  1.0 MiB/2.0 MiB  512.0 KiB/s  2 s left");
    CHECK(progress_line({"reading headers", false, 3, 4, 0, 100ms}, 200) == "reading headers [#######---]  75%  3/4");
    CHECK(progress_line({"downloading", true, 2048, 0, 0, 1s}, 200) == "downloading  2.0 KiB  2.0 KiB/s");
}

TEST_CASE("a progress line stays in its line and its numbers in their bounds", "[cli]") {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    CHECK(progress_line({"downloading", true, kMost - 1, kMost, 0, 1ms}, 20) == "downloading [#######");
    CHECK(progress_line({"x", false, 7, 3, 9, 1s}, 80) == "x [##########] 100%  7/3");
}

TEST_CASE("JSON holds any name, and the bytes of those that are not UTF-8", "[cli]") {
    nlohmann::json object;
    put_name(object, "path", "/caf\xc3\xa9");
    put_name(object, "target", "caf\xe9");
    CHECK(object == nlohmann::json{{"path", "/caf\xc3\xa9"}, {"target", "caf\\xe9"}, {"target_hex", "636166e9"}});
}

TEST_CASE("SOURCE_DATE_EPOCH is a number of seconds that a date can have", "[cli]") {
    CHECK(parse_source_date_epoch("0") == 0);
    CHECK(parse_source_date_epoch("1700000000") == 1700000000);
    for (const char* bad : {"-1", "1.5", "x", " 1", "1 ", "253402300800", "99999999999999999999", "+1"})
        CHECK_THROWS_AS(parse_source_date_epoch(bad), Error);
}

TEST_CASE("each kind of error has its exit status", "[cli]") {
    CHECK(exit_status(ErrorKind::format) == 1);
    CHECK(exit_status(ErrorKind::system) == 1);
    CHECK(exit_status(ErrorKind::usage) == 2);
    CHECK(exit_status(ErrorKind::spec) == 2);
    CHECK(exit_status(ErrorKind::resolve) == 3);
    CHECK(exit_status(ErrorKind::fetch) == 4);
    CHECK(exit_status(ErrorKind::integrity) == 5);
}

TEST_CASE("a failure is a document, whatever its message holds", "[cli]") {
    CHECK(to_json(describe(Error(ErrorKind::fetch, "x\xff"))) ==
          nlohmann::json{{"error", {{"kind", "fetch"}, {"message", "x\\xff"}}}});
    CHECK(describe(std::bad_alloc()).message == "out of memory");
}

TEST_CASE("a test that failed is shown with what it printed", "[cli]") {
    const std::vector<builder::TestOutcome> outcomes{
        {"/usr/bin/true", true, "", "", "", 5ms},
        {"/usr/bin/cat /nowhere", false, "expected exit status 0, got 1", "", "cat: /nowhere\x1b[2J\nbye\n", 7ms}};
    CHECK(list_outcomes(outcomes) == "ok      /usr/bin/true (5 ms)\nfailed  /usr/bin/cat /nowhere (7 ms)\n");
    CHECK(failure_message(outcomes) == "test 2 failed: /usr/bin/cat /nowhere: expected exit status 0, got 1");
    CHECK(show_output_of_failed(outcomes) == "  standard error:\n    cat: /nowhere\\x1b[2J\n    bye\n");
}
