// SPDX-License-Identifier: Apache-2.0
#include "builder/reasons.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace smith;
using namespace smith::builder;

namespace {

ImagePath at(std::string_view text) { return ImagePath::parse(text); }

Reasons some_reasons() {
    Reasons out;
    out[at("/usr")] = {"filesystem", {}};
    out[at("/usr/sbin/nginx")] = {"nginx", {{"path", "/usr/sbin/ngin?", ""}}};
    out[at("/usr/lib64/libz.so.1")] = {"zlib", {{"library", "libz.so.1, default directory", "/usr/sbin/nginx"}}};
    out[at("/usr/lib64/libz.so.1.2")] = {"zlib", {{"link", "", "/usr/lib64/libz.so.1"}}};
    out[at("/loop/a")] = {"x", {{"link", "", "/loop/b"}}};
    out[at("/loop/b")] = {"x", {{"link", "", "/loop/a"}}};
    return out;
}

}  // namespace

TEST_CASE("a file is explained back to a line of the spec", "[reasons]") {
    CHECK(explain(some_reasons(), at("/usr/lib64/libz.so.1.2")) ==
          std::vector<std::string>{
              "/usr/lib64/libz.so.1.2 is what /usr/lib64/libz.so.1 points to",
              "/usr/lib64/libz.so.1 is needed by /usr/sbin/nginx (libz.so.1, default directory)",
              "/usr/sbin/nginx is matched by '/usr/sbin/ngin?' of the spec",
          });
}

TEST_CASE("a directory is there for what it holds", "[reasons]") {
    const auto chain = explain(some_reasons(), at("/usr"));
    REQUIRE(chain.size() >= 2);
    CHECK(chain.front() == "/usr holds /usr/lib64/libz.so.1");
    CHECK(chain.back() == "/usr/sbin/nginx is matched by '/usr/sbin/ngin?' of the spec");
}

TEST_CASE("what is not in the image has no reason", "[reasons]") {
    CHECK(explain(some_reasons(), at("/nothing")).empty());
}

TEST_CASE("reasons that run in a circle still end", "[reasons]") {
    CHECK_FALSE(explain(some_reasons(), at("/loop/a")).empty());
}

TEST_CASE("reasons are read back from what they print", "[reasons]") {
    const std::string printed = print_reasons(some_reasons());
    CHECK(parse_reasons(printed) == some_reasons());
    CHECK(print_reasons(parse_reasons(printed)) == printed);
}

TEST_CASE("a name that is not UTF-8 does not break the document", "[reasons]") {
    Reasons reasons;
    reasons[at("/\xff")] = {"p", {{"path", "/\xff", ""}}};
    CHECK_NOTHROW(parse_reasons(print_reasons(reasons)));
}

TEST_CASE("a document that is not one of reasons is refused", "[reasons]") {
    CHECK_THROWS_AS(parse_reasons("[]x"), Error);
    CHECK_THROWS_AS(parse_reasons(R"({"/a": 1})"), Error);
    CHECK_THROWS_AS(parse_reasons(R"({"/../a": {"because": []}})"), Error);
    CHECK_THROWS_AS(parse_reasons(R"({"/a": {"because": [{"kind": 1}]}})"), Error);
}

TEST_CASE("names in a foreign image can't drive a terminal", "[reasons]") {
    Reasons reasons;
    reasons[at("/\x1b[2J")] = {"p", {{"library", "\x1b]0;", "/n\x1b"}}};
    for (const std::string& line : explain(reasons, at("/\x1b[2J"))) {
        CHECK(line.find('\x1b') == std::string::npos);
    }
}

TEST_CASE("a directory beside many that begin like it is explained by what it holds", "[reasons]") {
    Reasons reasons;
    reasons[at("/a")] = {"p", {}};
    for (int i = 0; i < 1000; ++i) reasons[at("/a-" + std::to_string(i))] = {"p", {{"overlay", "", ""}}};
    CHECK(explain(reasons, at("/a")).empty());
    reasons[at("/a/b")] = {"p", {{"overlay", "", ""}}};
    CHECK(explain(reasons, at("/a")) == std::vector<std::string>{"/a holds /a/b", "/a/b is from the overlay"});
}

TEST_CASE("a chain as long as an attacker likes is told in linear time", "[reasons]") {
    Reasons reasons;
    const int length = 20'000;
    for (int i = 0; i < length; ++i) {
        reasons[at("/" + std::to_string(i))] = {"p", {{"library", "x", "/" + std::to_string(i + 1)}}};
    }
    reasons[at("/" + std::to_string(length))] = {"p", {{"overlay", "", ""}}};
    const auto chain = explain(reasons, at("/0"));
    REQUIRE(chain.size() == static_cast<std::size_t>(length) + 1);
    CHECK(chain.front().starts_with("/0 is needed by /1 "));
    CHECK(chain.back() == "/20000 is from the overlay");
}
