// SPDX-License-Identifier: Apache-2.0
#include "builder/yaml_reader.h"

#include <catch2/catch.hpp>

#include "base/bounds.h"
#include "base/error.h"

namespace smith::builder {

namespace {

/// One line a value: "/a[0] = text (line:column)".
std::string dump(const YamlNode& node, const std::string& name = "") {
    const std::string place = " (" + std::to_string(node.line) + ":" + std::to_string(node.column) + ")\n";
    std::string out;
    switch (node.kind) {
        case YamlNode::Kind::null: return name + " null" + place;
        case YamlNode::Kind::scalar: return name + (node.quoted ? " = '" + node.text + "'" : " = " + node.text) + place;
        case YamlNode::Kind::list:
            for (std::size_t i = 0; i < node.items.size(); ++i) {
                out += dump(node.items[i], name + "[" + std::to_string(i) + "]");
            }
            break;
        case YamlNode::Kind::map:
            for (const YamlMember& member : node.members) out += dump(member.value, name + "/" + member.key.text);
            break;
    }
    return out;
}

std::string read(std::string_view text) {
    try {
        return dump(read_yaml(text, "f"));
    } catch (const Error& e) {
        CHECK(e.kind() == ErrorKind::spec);
        return e.message();
    }
}

}  // namespace

TEST_CASE("every value knows its line and column", "[yaml]") {
    CHECK(read("a: x\nb:\n  - y\n  - {c: z}\n") ==
          "/a = x (1:4)\n"
          "/b[0] = y (3:5)\n"
          "/b[1]/c = z (4:9)\n");
}

TEST_CASE("numbers, booleans and dates are the text that they were written as", "[yaml]") {
    CHECK(read("[010, 1.10, yes, 2001-01-01, 0x1F, 10:10]") ==
          "[0] = 010 (1:2)\n[1] = 1.10 (1:7)\n[2] = yes (1:13)\n[3] = 2001-01-01 (1:18)\n[4] = 0x1F (1:30)\n"
          "[5] = 10:10 (1:36)\n");
}

TEST_CASE("quotes and blocks make text of what looks like something else", "[yaml]") {
    CHECK(read("a: 'true'\nb: \"1\"\nc: |-\n  no\nd: ~\ne:\n") ==
          "/a = 'true' (1:4)\n/b = '1' (2:4)\n/c = 'no' (3:4)\n/d null (5:4)\n/e null (7:1)\n");
}

TEST_CASE("every escape makes UTF-8", "[yaml]") {
    CHECK(read(R"(["\N\_\L\P", "\x85\u0085\U00000085", "\xe9\Né"])") ==
          "[0] = '\u0085\u00a0\u2028\u2029' (1:2)\n"
          "[1] = '\u0085\u0085\u0085' (1:14)\n"
          "[2] = '\u00e9\u0085\u00e9' (1:38)\n");
}

TEST_CASE("an alias is a copy that stands where it is used", "[yaml]") {
    CHECK(read("a: &x [1]\nb: *x\n") == "/a[0] = 1 (1:8)\n/b[0] = 1 (1:8)\n");
    CHECK(read("a: &x 1\nb: *x\n") == "/a = 1 (1:4)\n/b = 1 (2:4)\n");
}

TEST_CASE("a merge adds what the map doesn't say itself, and the first of several wins", "[yaml]") {
    CHECK(read("{a: 1, <<: {a: 2, b: 2}}") == "/a = 1 (1:5)\n/b = 2 (1:22)\n");
    CHECK(read("{<<: [{b: 1}, {b: 2, c: 2}]}") == "/b = 1 (1:11)\n/c = 2 (1:25)\n");
    CHECK(read("{'<<': x}") == "/<< = x (1:8)\n");
}

TEST_CASE("a key that occurs twice is refused, however it is written", "[yaml]") {
    CHECK(read("a: 1\n'a': 2\n") == "f:2:1: the key 'a' occurs twice; it stands in line 1 already");
}

TEST_CASE("aliases can't multiply what a file holds", "[yaml]") {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 30; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
    }
    CHECK_THAT(read(bomb), Catch::EndsWith("more than 20000 values, counting what aliases repeat"));

    std::string long_text = "a: &a " + std::string(100'000, 'x') + "\nb: [";
    for (int i = 0; i < 100; ++i) long_text += "*a,";
    CHECK_THAT(read(long_text + "]"), Catch::EndsWith("bytes, counting what aliases repeat"));
}

TEST_CASE("depth is bounded, also where aliases put something deep into something deep", "[yaml]") {
    CHECK_THAT(read(std::string(100'000, '[')), Catch::EndsWith("nested deeper than 32 levels"));
    CHECK_THAT(read("a: &a " + std::string(20, '[') + std::string(20, ']') + "\nb: " + std::string(20, '[') + "*a" +
                    std::string(20, ']')),
               Catch::EndsWith("nested deeper than 32 levels"));
    CHECK_THAT(read("a: " + std::string(32, '[')), Catch::EndsWith("nested deeper than 32 levels"));
    CHECK(read("a: " + std::string(31, '[') + std::string(31, ']')).empty());
}

TEST_CASE("a file of nothing but one piece of YAML is read or refused, and takes no time", "[yaml]") {
    const auto fill = [](std::string_view piece) {
        std::string out;
        while (out.size() < 128 * limits::kKiB) out += piece;
        return out;
    };
    for (const std::string_view piece :
         {"a: ", "- ", "? ",     "{",      "[]",   "x\n", "#\n", "\n", "\"", "\\", "&a ",  "!",
          "|\n", "'",  "k: v\n", "- - - ", "<<: ", "*a",  ",",   "%",  "\t", "\r", "--- ", "[a, "}) {
        INFO("the file repeats " << quote(piece));
        static_cast<void>(read(fill(piece)));
    }
    CHECK_THAT(read(std::string(limits::kMaxSpecBytes + 1, ' ')),
               Catch::StartsWith("f: larger than the 1048576 bytes"));
}

TEST_CASE("a name that could confuse a terminal is quoted in front of a message", "[yaml]") {
    CHECK_THROWS_WITH(read_yaml("[", "a\x1b[2J"), Catch::StartsWith("'a\\x1b[2J':1:2: not valid YAML"));
}

}  // namespace smith::builder
