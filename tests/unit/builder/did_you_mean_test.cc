// SPDX-License-Identifier: Apache-2.0
#include "builder/did_you_mean.h"

#include <array>
#include <catch2/catch.hpp>

namespace smith::builder {

TEST_CASE("a slip of the finger finds its word, and another word finds none", "[spec]") {
    constexpr std::array<std::string_view, 6> known{"cmd", "env", "entrypoint", "paths", "package", "packages"};
    CHECK(nearest("path", known) == "paths");
    CHECK(nearest("pahts", known) == "paths");
    CHECK(nearest("packge", known) == "package");
    CHECK(nearest("packagess", known) == "packages");
    CHECK(nearest("entry-point", known) == "entrypoint");
    CHECK(nearest("cdm", known) == "cmd");
    CHECK(nearest("zebra", known).empty());
    CHECK(nearest("x", known).empty());
    CHECK(nearest("", known).empty());
    CHECK(nearest(std::string(100'000, 'p'), known).empty());
    CHECK(did_you_mean("cnd", known) == " (did you mean 'cmd'?)");
    CHECK(did_you_mean("zebra", known).empty());
}

}  // namespace smith::builder
