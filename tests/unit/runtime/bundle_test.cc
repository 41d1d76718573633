// SPDX-License-Identifier: Apache-2.0
#include "runtime/bundle.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.h"
#include "tests/unit/runtime/documents.h"
#include "tests/unit/temp_dir.h"

namespace smith::runtime {

TEST_CASE("a container id is a file name that leads nowhere else", "[bundle]") {
    for (const std::string& id : {std::string("a"), std::string("web-1.2_3+x"), std::string(255, 'x')}) {
        CHECK_NOTHROW(check_container_id(id));
    }
    for (const std::string& id :
         {std::string(), std::string("."), std::string(".."), std::string("../x"), std::string("a/b"),
          std::string("a\0b", 3), std::string(256, 'x'), std::string("a b"), std::string("\xc3\xa4")}) {
        CAPTURE(id);
        CHECK_THROWS_AS(check_container_id(id), Error);
    }
}

TEST_CASE("a bundle's configuration is read from its directory", "[bundle]") {
    const TempDir directory;
    std::ofstream(directory.path() / "config.json") << small_document();
    CHECK(load_bundle(directory.path()).config.process.uid == 10);
    CHECK_THROWS_WITH(load_bundle("/nonexistent"), "opening the bundle '/nonexistent': No such file or directory");
}

TEST_CASE("a fifo in place of config.json is refused, not waited for", "[bundle][invalid]") {
    const TempDir directory;
    REQUIRE(mkfifo((directory.path() / "config.json").c_str(), 0600) == 0);
    CHECK_THROWS_AS(load_bundle(directory.path()), Error);
}

}  // namespace smith::runtime
