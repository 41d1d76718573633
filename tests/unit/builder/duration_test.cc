// SPDX-License-Identifier: Apache-2.0
#include "builder/duration.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace smith::builder {

using namespace std::chrono_literals;

TEST_CASE("a duration is a number with a unit, several of these, or seconds", "[duration]") {
    CHECK(parse_duration("10s") == 10s);
    CHECK(parse_duration("1m30s") == 90s);
    CHECK(parse_duration("1.5h") == 90min);
    CHECK(parse_duration(".5s") == 500ms);
    CHECK(parse_duration("2.s") == 2s);
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("1h2m3s4ms5us6ns") == 1h + 2min + 3s + 4ms + 5us + 6ns);
    CHECK(parse_duration("42") == 42s);
    CHECK(parse_duration("0") == 0s);
    CHECK(parse_duration("0.0000000005s") == 0ns);
    CHECK(parse_duration("0.333333333333333h") == 1199999998800ns);
    CHECK(parse_duration("8760h") == kMaxDuration);
}

TEST_CASE("what is no duration is refused", "[duration]") {
    for (const char* text : {"", "s", "-1s", "+1s", "1 s", "1s ", "1x", "1.5", ".s", ".", "1s2", "1e3s", "10S", "8761h",
                             "8760h1ns", "99999999999999999999s", "9223372036854775807h", "1.1.1s"}) {
        INFO(text);
        CHECK_THROWS_AS(parse_duration(text), Error);
    }
}

TEST_CASE("a duration that is written reads back as itself", "[duration]") {
    CHECK(format_duration(90s) == "1m30s");
    CHECK(format_duration(0s) == "0s");
    for (const std::chrono::nanoseconds d :
         {std::chrono::nanoseconds(1), std::chrono::nanoseconds(1001us), kMaxDuration - 1ns, kMaxDuration}) {
        CHECK(parse_duration(format_duration(d)) == d);
    }
}

}  // namespace smith::builder
