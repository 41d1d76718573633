// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/error.h"

using namespace smith;

TEST_CASE("the same value has the same bytes", "[json]") {
    CHECK(dump_json(parse_json(R"( {"b": 1, "a": [true, null]} )")) == R"({"a":[true,null],"b":1})");
}

TEST_CASE("a key that occurs twice is refused, also deep inside", "[json]") {
    CHECK_THROWS_AS(parse_json(R"({"a": 1, "a": 2})"), Error);
    CHECK_THROWS_AS(parse_json(R"([{"x": {"a": 1, "b": {}, "a": 2}}])"), Error);
    CHECK_NOTHROW(parse_json(R"([{"a": {"a": 1}}, {"a": 2}])"));
}

TEST_CASE("depth has a bound", "[json]") {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK_NOTHROW(parse_json(nested(60)));
    CHECK_THROWS_AS(parse_json(nested(70)), Error);
    CHECK_THROWS_AS(parse_json(std::string(1'000'000, '[')), Error);
}

TEST_CASE("what is not one JSON document is refused", "[json]") {
    CHECK_THROWS_AS(parse_json(""), Error);
    CHECK_THROWS_AS(parse_json("{} {}"), Error);
    CHECK_THROWS_AS(parse_json("{\"a\": \"\xff\"}"), Error);
    CHECK_THROWS_AS(parse_json("// no\n{}"), Error);
}

TEST_CASE("a message about bad JSON is short and can't drive a terminal", "[json]") {
    for (const char* text : {"[\"\xc2\x9b\xff", "\x1b[2J", "\"\xff\xc2\x9b"}) {
        try {
            static_cast<void>(parse_json(text));
            FAIL("nothing was thrown");
        } catch (const Error& e) {
            CHECK(e.message().find_first_of("\x1b\x9b\xff") == std::string::npos);
        }
    }
    try {
        static_cast<void>(parse_json("[\"" + std::string(1'000'000, 'a')));
        FAIL("nothing was thrown");
    } catch (const Error& e) {
        CHECK(e.message().size() < 1000);
    }
}
