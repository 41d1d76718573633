// SPDX-License-Identifier: Apache-2.0
//
// What the corpus (tests/spec-corpus, tests/invalid/spec) can't show: locations, warnings, and how values come out.
#include "builder/spec_parse.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.h"
#include "tests/unit/temp_dir.h"

namespace smith::builder {

namespace {

Spec parse(std::string_view text) { return parse_spec(text, "f", silent_reporter()); }

Spec parse_lines(const std::string& lines) { return parse("schema: 1\npackage: app\n" + lines); }

}  // namespace

TEST_CASE("paths and packages remember where they stand", "[spec]") {
    const Spec spec = parse("package: nginx\npaths:\n- /a\n-   /b\n");
    CHECK(spec.packages.at(0).at.str() == "f:1:10");
    CHECK(spec.paths.value().at(0).at.str() == "f:3:3");
    CHECK(spec.paths.value().at(1).at.str() == "f:4:5");
}

TEST_CASE("where something stands is not part of what it says", "[spec]") {
    CHECK(parse("package: a\nuser: b\n") == parse("\n\nuser: b\npackage: a\n"));
    CHECK_FALSE(parse("package: a\n") == parse("package: b\n"));
}

TEST_CASE("paths that are left out are not an empty list of paths", "[spec]") {
    CHECK_FALSE(parse("package: a\n").paths.has_value());
    CHECK(parse("package: a\npaths: []\n").paths.value().empty());
    CHECK_FALSE(parse("package: a\n").cmd.has_value());
    CHECK(parse("package: a\ncmd: []\n").cmd.value().empty());
}

TEST_CASE("the name of a package tells whether it is an image", "[spec]") {
    const auto type = [](const std::string& package) { return parse("package: '" + package + "'").type; };
    for (const char* image : {"http://h/a", "https://h/a:1", "a.tar", "a.tar.gz", "dir/a.tgz", "a.tgz:tag",
                              "x:a.tar:tag", "docker://h/a", "oci:dir", "oci-archive:f:tag", "docker-archive:f"}) {
        CHECK(type(image) == SourceType::image);
    }
    for (const char* package : {"nginx", "./a.rpm", "nginx-1.2-3.x86_64", "/usr/bin/cat", "a.tar.xz", "tar",
                                "libc.so.6()(64bit)", "a.tgz:b:c", "ocid"}) {
        CHECK(type(package) == SourceType::packages);
    }
    CHECK(parse("package: a.tar\ntype: mock\n").type == SourceType::packages);
    CHECK(parse("package: a\ntype: container\n").type == SourceType::image);
}

TEST_CASE("a spec without a schema warns where one with a schema fails", "[spec]") {
    RecordingReporter reporter;
    static_cast<void>(parse_spec("package: a\npathz: []\ndir:\n", "f", reporter));
    CHECK(reporter.warnings == std::vector<std::string>{"f:2:1: unknown key 'pathz' (did you mean 'paths'?), ignoring",
                                                        "f:3:1: 'dir' has no value, ignoring"});
    CHECK_THROWS_WITH(parse("schema: 1\npackage: a\npathz: []\ndir:\n"),
                      "f:3:1: unknown key 'pathz' (did you mean 'paths'?)\n"
                      "f:4:1: 'dir' has no value");
}

TEST_CASE("old booleans are for old specs", "[spec]") {
    for (const char* yes : {"true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON"}) {
        CHECK(parse("package: a\nnss: " + std::string(yes)).nss);
    }
    for (const char* no : {"false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off", "OFF"}) {
        CHECK_FALSE(parse("package: a\nnss: " + std::string(no)).nss);
    }
    CHECK_THROWS_WITH(parse_lines("nss: yes\n"), "f:3:6: 'nss' must be true or false; 'yes' is text in YAML 1.2");
}

TEST_CASE("mounts and volumes are one set of places", "[spec]") {
    const Spec spec = parse_lines("mounts: [/b, /a//c/]\nvolumes: {/b/./: {}}\n");
    CHECK(spec.mounts == std::set<ImagePath>{ImagePath::parse("/a/c"), ImagePath::parse("/b")});
}

TEST_CASE("a list of a repository may be one text", "[spec]") {
    const Spec spec = parse_lines("repos: [{id: r, baseurl: 'http://a http://b', excludepkgs: \" x*\\n y \"}]\n");
    CHECK(spec.repos.at(0).baseurl == std::vector<std::string>{"http://a", "http://b"});
    CHECK(spec.repos.at(0).excludepkgs == std::vector<std::string>{"x*", "y"});
    CHECK(spec.repos.at(0).gpgcheck);
    CHECK_FALSE(spec.repos.at(0).repo_gpgcheck);
    CHECK(spec.repos.at(0).at.str() == "f:3:9");
}

TEST_CASE("test steps come out as what they wait for", "[spec]") {
    const Spec spec = parse_lines(
        "ports: [80]\n"
        "test:\n"
        "- {run: [/a, b], exit: 3, stdout: x, stderr: /y/, timeout: 1m}\n"
        "- {start: true, ready: {tcp: 80, send: \"s\\r\\n\", expect: e}}\n"
        "- {start: true, ready: {http: /h}, timeout: 5}\n"
        "- {start: true, ready: {log: l}}\n"
        "- {start: true}\n");
    REQUIRE(spec.tests.size() == 5);
    CHECK(spec.tests[0].what ==
          decltype(TestStep::what)(RunStep{{"/a", "b"}, 3, OutputMatch{"x"}, OutputMatch{"y", true}}));
    CHECK(spec.tests[0].timeout == std::chrono::minutes(1));
    CHECK(spec.tests[0].at.str() == "f:5:3");
    CHECK(spec.tests[1].what == decltype(TestStep::what)(StartStep{ReadyTcp{80, "s\r\n", "e"}}));
    CHECK(spec.tests[1].timeout == std::chrono::seconds(30));
    CHECK(spec.tests[2].what == decltype(TestStep::what)(StartStep{ReadyHttp{"/h", {}}}));
    CHECK(spec.tests[3].what == decltype(TestStep::what)(StartStep{ReadyLog{OutputMatch{"l"}}}));
    CHECK(spec.tests[4].what == decltype(TestStep::what)(StartStep{}));
}

TEST_CASE("a problem is told with the name that the file was opened by", "[spec]") {
    const TempDir dir;
    const std::string file = (dir.path() / "app.yaml").string();
    std::ofstream(file) << "schema: 1\npackage: []\n";
    CHECK_THROWS_WITH(load_spec(file, silent_reporter()),
                      file + ":2:10: 'package' is one name; write 'packages' for a list");
    CHECK_THROWS_AS(load_spec(dir.path() / "none.yaml", silent_reporter()), Error);
    CHECK_THROWS_AS(load_spec(dir.path(), silent_reporter()), Error);
}

}  // namespace smith::builder
