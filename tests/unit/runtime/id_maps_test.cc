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

TEST_CASE("a range around an id maps every other id as well, each once", "[ids]") {
    if (geteuid() != 0) return;  // subordinate ids are a matter of the machine
    for (const std::uint32_t id : {0U, 1U, 10U, kRangeSize - 1, kRangeSize + 10}) {
        const IdMappings mappings = range_around(id, 20, 1000, 1001);
        CHECK(mappings.host_uid(id) == 1000);
        CHECK(mappings.host_gid(20) == 1001);
        if (id != 0) CHECK(mappings.host_uid(0) == kRootRangeBase);
        if (id < kRangeSize) CHECK(map_id(mappings.uids, kRangeSize - 1).has_value());
        std::uint64_t total = 0;
        for (const IdMap& map : mappings.uids) total += map.count;
        CHECK(total == kRangeSize);
    }
}

TEST_CASE("root's range is outside of what people, packages and subordinate ids are given", "[ids]") {
    CHECK(kRootRangeBase > 600'100'000);                      // SUB_UID_MAX of shadow
    CHECK(kRootRangeBase + kRangeSize - 1 <= 1'879'048'191);  // the end of systemd's container range
    CHECK(kRootRangeBase % kRangeSize == 0);
}

}  // namespace smith::runtime
