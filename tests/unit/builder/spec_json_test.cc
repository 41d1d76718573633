// SPDX-License-Identifier: Apache-2.0
#include "builder/spec_json.h"

#include <catch2/catch.hpp>

#include "builder/spec_parse.h"

namespace smith::builder {

namespace {

Spec parse(std::string_view text) { return parse_spec(text, "f", silent_reporter()); }

}  // namespace

TEST_CASE("equal specs have equal JSON, whatever their layout", "[spec]") {
    const std::string one = canonical_json(parse("package: a\nlabels: {x: 1, b: 2}\nports: {81: {}, 80: {}}\n"));
    CHECK(one == canonical_json(parse("ports: ['80', 81]\nlabels:\n  b: '2'\n  x: \"1\"\npackages: [a]\n")));
    CHECK(one == R"({"labels":{"b":"2","x":"1"},"package":"a","ports":{"80":{},"81":{}},"type":"mock"})");
}

TEST_CASE("canonical JSON is a spec that says the same", "[spec]") {
    for (const char* text :
         {"package: a", "schema: 1\npackages: []", "schema: 1\npackages: [a, b]\npaths: []\ncmd: []\nentrypoint: []",
          "schema: 1\npackage: a\ntest: [{run: [/x, \"\\u2028\\x7f\\x01\\\"\"], stdout: '/\\d+/', timeout: "
          "1.0000001s}]",
          "schema: 1\npackage: a.tgz\nhealthcheck: none\nmock: {debuginfo: true}\nfeatures: {dlopen: required}"}) {
        const Spec spec = parse(text);
        CHECK(parse(canonical_json(spec)) == spec);
    }
}

TEST_CASE("no user and no password of a URL is published", "[spec]") {
    const Spec spec = parse(
        "schema: 1\n"
        "package: https://me:canary@h/a:1\n"
        "parent: docker://canary@h/b\n"
        "repos:\n"
        "- {id: r, baseurl: ['https://me:can@ary@h/x@y'], metalink: 'http://canary@h?a@b', mirrorlist: "
        "'http://canary@h',\n"
        "   gpgkey: ['https://me:canary@h/k'], proxy: 'http://me:canary@h:3128'}\n");
    const std::string json = canonical_json(spec);
    CHECK(json.find("canary") == std::string::npos);
    CHECK(json.find("ary@") == std::string::npos);
    CHECK(json.find("https://h/x@y") != std::string::npos);
    CHECK(json.find("http://h?a@b") != std::string::npos);
    CHECK(parse(json) == without_credentials(spec));
}

TEST_CASE("a reader of Oracle's images finds its own keys", "[spec]") {
    CHECK(canonical_json(parse("package: coreutils\npaths: [/usr/bin/cat]\ncmd: [/usr/bin/cat, /read/data]\n")) ==
          R"({"cmd":["/usr/bin/cat","/read/data"],"package":"coreutils","paths":["/usr/bin/cat"],"type":"mock"})");
}

}  // namespace smith::builder
