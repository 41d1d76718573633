// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <catch2/catch.hpp>

#include "base/utf8.h"

using namespace smith;

TEST_CASE("context is put in front, so that a chain reads from left to right", "[error]") {
    const auto inner = [] { throw Error(ErrorKind::resolve, "nothing provides 'x'"); };
    try {
        while_doing([] { return "building 'a.yaml'"; }, [&] { while_doing([] { return "resolving"; }, inner); });
        FAIL("nothing was thrown");
    } catch (const Error& e) {
        CHECK(e.message() == "building 'a.yaml': resolving: nothing provides 'x'");
        CHECK(e.kind() == ErrorKind::resolve);
    }
}

TEST_CASE("a value passes through while_doing", "[error]") {
    CHECK(while_doing([] { return "counting"; }, [] { return 42; }) == 42);
}

TEST_CASE("a quoted name can't drive a terminal", "[error]") {
    CHECK(quote("/usr/bin/cat") == "'/usr/bin/cat'");
    CHECK(quote("a\x1b[2Jb\n") == "'a\\x1b[2Jb\\x0a'");
    CHECK(quote("gr\xc3\xbc\xc3\x9f") == "'gr\xc3\xbc\xc3\x9f'");
    CHECK(quote("\xff\xc3") == "'\\xff\\xc3'");
    CHECK(quote("\xc2\x9b"
                "2J") == "'\\xc2\\x9b2J'");  // U+009B is a one-character ESC [
}

TEST_CASE("a quoted name is cut in the middle when it is longer than a line", "[error]") {
    const std::string text = quote(std::string(100'000, 'a') + "end");
    CHECK(text.size() < 500);
    CHECK(text.ends_with("end'"));
    CHECK(text.find("...") != std::string::npos);
}

TEST_CASE("a long name is cut wherever its characters begin, and not inside of one", "[error]") {
    std::string name = "x";
    for (int i = 0; i < 100'000; ++i) name += "\xc3\xbc";
    const std::string text = quote(name);
    CHECK(text.size() < 500);
    CHECK(text.find("...") != std::string::npos);
    CHECK(text.find("\\x") == std::string::npos);
    // Exactly as long as allowed is not cut.
    CHECK(quote(std::string(400, 'a')) == "'" + std::string(400, 'a') + "'");
}

TEST_CASE("a quoted name can't change the order in which a message is read", "[error]") {
    CHECK(quote("a\xe2\x80\xae"
                "b") == "'a\\xe2\\x80\\xaeb'");           // U+202E, right-to-left override
    CHECK(quote("\xe2\x80\xa8") == "'\\xe2\\x80\\xa8'");  // U+2028, line separator
    CHECK(quote("\xe2\x80\x94 \xe2\x82\xac") == "'\xe2\x80\x94 \xe2\x82\xac'");
}

TEST_CASE("bytes that are no UTF-8 are replaced one by one", "[utf8]") {
    CHECK(to_utf8("gr\xc3\xbc\xdf") == "gr\xc3\xbc\xef\xbf\xbd");
    CHECK(is_utf8(to_utf8("\xff\xfe\xe2\x82")));
}

TEST_CASE("UTF-8 is what RFC 3629 says", "[utf8]") {
    CHECK(is_utf8("plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"));
    CHECK_FALSE(is_utf8("\xc0\xaf"));          // overlong
    CHECK_FALSE(is_utf8("\xe0\x80\xaf"));      // overlong
    CHECK_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
    CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
    CHECK_FALSE(is_utf8("\xe2\x82"));          // cut short
    CHECK_FALSE(is_utf8("\x80"));
}
