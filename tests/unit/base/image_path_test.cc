// SPDX-License-Identifier: Apache-2.0
#include "base/image_path.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace smith;

TEST_CASE("different spellings of a place are the same path", "[image_path]") {
    CHECK(ImagePath::parse("usr/bin") == ImagePath::parse("/usr/bin"));
    CHECK(ImagePath::parse("//usr/./bin/") == ImagePath::parse("/usr/bin"));
    CHECK(ImagePath::parse("").is_root());
    CHECK(ImagePath::parse("./").is_root());
    CHECK(ImagePath::parse("/").str() == "/");
}

TEST_CASE("a path can't hold what could lead out of the image", "[image_path]") {
    CHECK_THROWS_AS(ImagePath::parse("../x"), Error);
    CHECK_THROWS_AS(ImagePath::parse("a/../../x"), Error);
    CHECK_THROWS_AS(ImagePath::parse("/usr/.."), Error);
    CHECK_THROWS_AS(ImagePath::parse(std::string_view("a\0b", 3)), Error);
    CHECK_THROWS_AS(ImagePath::parse(std::string(256, 'a')), Error);
    CHECK_THROWS_AS(ImagePath::parse(std::string(5000, '/') + "a"), Error);
    CHECK_NOTHROW(ImagePath::parse("..."));
}

TEST_CASE("a component stays one component", "[image_path]") {
    const ImagePath usr = ImagePath::parse("/usr");
    CHECK(usr.child("bin").str() == "/usr/bin");
    CHECK_THROWS_AS(usr.child("a/b"), Error);
    CHECK_THROWS_AS(usr.child(".."), Error);
    CHECK_THROWS_AS(usr.child("."), Error);
    CHECK_THROWS_AS(usr.child(""), Error);
}

TEST_CASE("joining many short pieces can't make a path that is too long", "[image_path]") {
    ImagePath path;
    CHECK_THROWS_AS(
        [&] {
            for (int i = 0; i < 100; ++i) path = path / std::string(200, 'a');
        }(),
        Error);
}

TEST_CASE("'..' in a spec is taken lexically and stops at the root", "[image_path]") {
    CHECK(ImagePath::parse_lexically("../../etc", ImagePath::parse("/usr/share")).str() == "/etc");
    CHECK(ImagePath::parse_lexically("/usr/bin/../lib", {}).str() == "/usr/lib");
    CHECK(ImagePath::parse_lexically("../../../..", ImagePath::parse("/a")).is_root());
}

TEST_CASE("parents, names and components", "[image_path]") {
    const ImagePath path = ImagePath::parse("/usr/bin/cat");
    CHECK(path.name() == "cat");
    CHECK(path.parent().str() == "/usr/bin");
    CHECK(ImagePath().parent().is_root());
    CHECK(ImagePath().name().empty());
    CHECK(ImagePath::parse("/a").parent().is_root());
    CHECK(path.components() == std::vector<std::string_view>{"usr", "bin", "cat"});
    CHECK(path.relative() == "usr/bin/cat");
}

TEST_CASE("below means by component, not by prefix", "[image_path]") {
    const ImagePath lib = ImagePath::parse("/usr/lib");
    CHECK(ImagePath::parse("/usr/lib/x").is_at_or_below(lib));
    CHECK(lib.is_at_or_below(lib));
    CHECK_FALSE(ImagePath::parse("/usr/lib64/x").is_at_or_below(lib));
    CHECK(ImagePath::parse("/x").is_at_or_below(ImagePath()));
    CHECK(ImagePath::parse("/usr/lib/a/b").rebased(lib, ImagePath::parse("/lib")).str() == "/lib/a/b");
    CHECK(ImagePath::parse("/a").rebased(ImagePath(), lib).str() == "/usr/lib/a");
}
