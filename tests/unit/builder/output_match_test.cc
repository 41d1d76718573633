// SPDX-License-Identifier: Apache-2.0
#include "builder/output_match.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace smith::builder {

TEST_CASE("text is found anywhere, and slashes make a regular expression", "[match]") {
    CHECK(matches(OutputMatch::parse("is ok"), "test is ok\n"));
    CHECK_FALSE(matches(OutputMatch::parse("is.ok"), "test is ok\n"));
    CHECK(matches(OutputMatch::parse("/is.ok/"), "test is ok\n"));
    CHECK(matches(OutputMatch::parse("/v=\\d+\\.\\d+/"), "Redis server v=7.0.15 sha=0"));
    CHECK_FALSE(matches(OutputMatch::parse("/v=\\d{3}/"), "v=7.0"));
}

TEST_CASE("the anchors of a regular expression are the ends of the output", "[match]") {
    CHECK(matches(OutputMatch::parse("/^10\\n?$/"), "10\n"));
    CHECK_FALSE(matches(OutputMatch::parse("/^10$/"), "9\n10\n"));
    CHECK(matches(OutputMatch::parse("/^$/"), ""));
}

TEST_CASE("what is found may stand behind line breaks and any bytes", "[match]") {
    CHECK(matches(OutputMatch::parse("/a|b/"), std::string_view("\n\r\0\xff\u2028\nb", 9)));
    CHECK(matches(OutputMatch::parse("/(^|\n)b/"), "a\nb"));
    CHECK_THROWS_AS(OutputMatch::parse("/a)(b/"), Error);
}

TEST_CASE("a path is a text, whatever slashes it has", "[match]") {
    CHECK_FALSE(OutputMatch::parse("/read/data").is_regex);
    CHECK_FALSE(OutputMatch::parse("/").is_regex);
    CHECK_FALSE(OutputMatch::parse("//").is_regex);
    CHECK(OutputMatch::parse("/a/").is_regex);
    CHECK(OutputMatch::parse("/a/").spelling() == "/a/");
}

TEST_CASE("a long and hostile output costs neither the stack nor an age", "[match]") {
    const std::string output(100'000, 'a');
    CHECK_FALSE(matches(OutputMatch::parse("/(a|aa)+b/"), output));
    CHECK(matches(OutputMatch::parse("/^.*$/"), output));
}

TEST_CASE("what is no regular expression is refused with its reason", "[match]") {
    CHECK_THROWS_WITH(OutputMatch::parse("/(/"),
                      "'/(/' is not a regular expression: a '(' or ')' stands alone, "
                      "or there is nothing to repeat");
    CHECK_THROWS_WITH(OutputMatch::parse("/[/"), Catch::EndsWith("a '[' or ']' stands alone"));
    CHECK_THROWS_WITH(OutputMatch::parse("/*/"), Catch::EndsWith("there is nothing to repeat"));
    CHECK_THROWS_WITH(OutputMatch::parse("/[b-a]/"), Catch::EndsWith("a range in brackets runs backwards"));
    CHECK_THROWS_AS(OutputMatch::parse("/" + std::string(1000, '(') + "/"), Error);
}

}  // namespace smith::builder
