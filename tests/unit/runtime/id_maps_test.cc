// SPDX-License-Identifier: Apache-2.0
#include "runtime/id_maps.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/error.h"

namespace smith::runtime {

TEST_CASE("an id is looked up in every entry of a map", "[ids]") {
    const std::vector<IdMap> maps = {{0, 1000, 1}, {1, 100000, 65535}};
    CHECK(map_id(maps, 0) == 1000U);
    CHECK(map_id(maps, 1) == 100000U);
    CHECK(map_id(maps, 65535) == 165534U);
    CHECK_FALSE(map_id(maps, 65536).has_value());
}

TEST_CASE("a single mapping makes the caller the process's user and nobody else", "[ids]") {
    const IdMappings mappings = choose_mappings(10, 20, MappingChoice::single);
    CHECK(mappings.host_uid(10) == geteuid());
    CHECK(mappings.host_gid(20) == getegid());
    CHECK_THROWS_WITH(mappings.host_uid(0), "the uid 0 is not mapped");
}

TEST_CASE("root's range is outside of what people, packages and subordinate ids are given", "[ids]") {
    CHECK(kRootRangeBase > 600'100'000);                      // SUB_UID_MAX of shadow
    CHECK(kRootRangeBase + kRangeSize - 1 <= 1'879'048'191);  // the end of systemd's container range
    CHECK(kRootRangeBase % kRangeSize == 0);
}

}  // namespace smith::runtime
