// SPDX-License-Identifier: Apache-2.0
#include "base/output_file.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
namespace fs = std::filesystem;

TEST_CASE("what is written to a link is written where it leads", "[output_file]") {
    const TempDir dir;
    fs::create_directory(dir.path() / "b");
    fs::create_symlink("b/two", dir.path() / "one");
    fs::create_symlink("three", dir.path() / "b" / "two");
    CHECK(output_file(dir.path() / "one") == dir.path() / "b" / "three");
    std::ofstream(dir.path() / "b" / "three") << "x";
    CHECK(output_file(dir.path() / "one") == dir.path() / "b" / "three");
    fs::create_symlink(dir.path() / "b" / "three", dir.path() / "absolute");
    CHECK(output_file(dir.path() / "absolute") == dir.path() / "b" / "three");
    CHECK(output_file("not-there") == "not-there");
}

TEST_CASE("what is no regular file is not replaced by one", "[output_file]") {
    const TempDir dir;
    REQUIRE(::mkfifo((dir.path() / "fifo").c_str(), 0600) == 0);
    fs::create_symlink("/dev/null", dir.path() / "null");
    fs::create_symlink("circle", dir.path() / "circle");
    for (const fs::path& path :
         {dir.path(), dir.path() / "fifo", dir.path() / "null", dir.path() / "circle", fs::path("/dev/null")}) {
        INFO(path);
        CHECK_THROWS_AS(output_file(path), Error);
    }
}
