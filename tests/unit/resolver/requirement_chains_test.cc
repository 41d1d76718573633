// SPDX-License-Identifier: Apache-2.0
#include "resolver/requirement_chains.h"

#include <catch2/catch.hpp>

#include "resolver/lock_requirements.h"

using namespace smith;
using namespace smith::resolver;

namespace {

PackageRef package(const std::string& nevra) {
    PackageRef ref;
    ref.nevra = Nevra::parse(nevra);
    return ref;
}

/// app -> shell -> libc, app -> tool -> lib -> libc, tool -> app; tool and app are asked for.
Lock example() {
    Lock lock;
    for (const char* name : {"app-1-1.x86_64", "extra-1-1.noarch", "lib-1-1.i686", "lib-1:1-1.x86_64",
                             "libc-2-1.x86_64", "shell-5-1.x86_64", "tool-1-1.x86_64"}) {
        lock.packages.push_back(package(name));
    }
    lock.asked = {{"app", "app.x86_64"}, {"to*", "tool.x86_64"}};
    lock.requirements = {{"app.x86_64", "shell.x86_64", "/bin/sh"}, {"app.x86_64", "tool.x86_64", "tool >= 1"},
                         {"lib.x86_64", "libc.x86_64", "libc.so"},  {"shell.x86_64", "libc.x86_64", "libc.so"},
                         {"tool.x86_64", "app.x86_64", "app"},      {"tool.x86_64", "lib.x86_64", "lib.so"}};
    return lock;
}

}  // namespace

TEST_CASE("each request that leads to a package has its shortest chain, shortest first", "[chains]") {
    const Lock lock = example();
    CHECK(
        find_chains(lock, "libc.x86_64") ==
        std::vector<RequirementChain>{{{"libc.x86_64", "libc.so"}, {"shell.x86_64", "/bin/sh"}, {"app.x86_64", "app"}},
                                      {{"libc.x86_64", "libc.so"}, {"lib.x86_64", "lib.so"}, {"tool.x86_64", "to*"}}});
    CHECK(
        find_chains(lock, "lib.x86_64") ==
        std::vector<RequirementChain>{{{"lib.x86_64", "lib.so"}, {"tool.x86_64", "to*"}},
                                      {{"lib.x86_64", "lib.so"}, {"tool.x86_64", "tool >= 1"}, {"app.x86_64", "app"}}});
}

TEST_CASE("what is asked for itself has a chain of one step, and a circle of requirements ends", "[chains]") {
    CHECK(find_chains(example(), "app.x86_64") ==
          std::vector<RequirementChain>{{{"app.x86_64", "app"}}, {{"app.x86_64", "app"}, {"tool.x86_64", "to*"}}});
}

TEST_CASE("what nothing requires has no chain", "[chains]") {
    CHECK(find_chains(example(), "extra.noarch").empty());
    CHECK(find_chains(example(), "lib.i686").empty());
    CHECK(find_requirers(example(), "extra.noarch").empty());
}

TEST_CASE("all that require a package are known", "[chains]") {
    CHECK(find_requirers(example(), "libc.x86_64") ==
          std::vector<Requirer>{{"lib.x86_64", "libc.so"}, {"shell.x86_64", "libc.so"}});
}

TEST_CASE("a package of a lock is named by its name, with the architecture, or in full", "[chains]") {
    const Lock lock = example();
    CHECK(find_locked(lock, "lib") == std::vector<std::size_t>{2, 3});
    CHECK(find_locked(lock, "lib.x86_64") == std::vector<std::size_t>{3});
    CHECK(find_locked(lock, "lib-1:1-1.x86_64") == std::vector<std::size_t>{3});
    CHECK(find_locked(lock, "lib-1-1.x86_64").empty());
    CHECK(find_locked(lock, "li").empty());
}

TEST_CASE("of all that one package requires of another a lock remembers the shortest text", "[chains]") {
    Solution solution;
    solution.packages = {package("app-1-1.x86_64"), package("libc-2-1.x86_64"), package("odd-1-1.noarch")};
    solution.requirements = {
        {0, "libc.so(V2)", 1}, {0, "libc.so", 1}, {0, "libd.so", 1}, {0, "o\xff", 2}, {2, "libc >= 2", 1}};
    solution.asked = {{"app", 0}, {"app", 0}, {"odd", 2}};
    Lock lock;
    remember_requirements(solution, lock);
    CHECK(lock.requirements == std::vector<LockedRequirement>{{"app.x86_64", "libc.x86_64", "libc.so"},
                                                              {"app.x86_64", "odd.noarch", "o\\xff"},
                                                              {"odd.noarch", "libc.x86_64", "libc >= 2"}});
    CHECK(lock.asked == std::vector<LockedRequest>{{"app", "app.x86_64"}, {"odd", "odd.noarch"}});
}
