// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <numeric>
#include <vector>

#include "base/error.h"

using namespace smith;

TEST_CASE("every index is visited once, whatever the number of threads", "[parallel]") {
    for (const unsigned jobs : {0U, 1U, 3U, 64U}) {
        std::vector<std::atomic<int>> visits(1000);
        parallel_for(jobs, visits.size(), [&](std::size_t i) { ++visits[i]; });
        CHECK(std::accumulate(visits.begin(), visits.end(), 0) == 1000);
        CHECK(std::ranges::all_of(visits, [](const auto& n) { return n == 1; }));
    }
    CHECK_NOTHROW(parallel_for(8, 0, [](std::size_t) { FAIL("there is nothing to do"); }));
}

TEST_CASE("of several failures the one with the lowest index is told, whichever came first", "[parallel]") {
    for (int round = 0; round < 200; ++round) {
        try {
            parallel_for(4, 100, [](std::size_t i) {
                if (i % 10 == 7) throw Error(ErrorKind::format, std::to_string(i));
            });
            FAIL("nothing was thrown");
        } catch (const Error& e) {
            CHECK(e.message() == "7");
        }
    }
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SMITH_TEST_WITH_ASAN
#endif
#endif

// AddressSanitizer needs address space of its own for every thread, and gives up where there is none.
#ifndef SMITH_TEST_WITH_ASAN
TEST_CASE("where no more threads can be had, fewer do the work", "[parallel]") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        // No thread's stack fits any more.
        std::size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        const struct rlimit memory = {pages * 4096 + (1U << 20U), RLIM_INFINITY};
        bool done = ::setrlimit(RLIMIT_AS, &memory) == 0;
        std::atomic<int> visits = 0;
        try {
            parallel_for(8, 100, [&](std::size_t) { ++visits; });
        } catch (...) {
            done = false;
        }
        ::_exit(done && visits == 100 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}
#endif
