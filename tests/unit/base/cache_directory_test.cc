// SPDX-License-Identifier: Apache-2.0
#include "base/cache_directory.h"

#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "base/content_store.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
namespace fs = std::filesystem;

namespace {

fs::perms mode_of(const fs::path& path) { return fs::status(path).permissions() & fs::perms::all; }

/// Another umask, for as long as it lives.
struct Umask {
    explicit Umask(mode_t mask) : before(::umask(mask)) {}
    Umask(const Umask&) = delete;
    Umask& operator=(const Umask&) = delete;
    ~Umask() { ::umask(before); }
    mode_t before;
};

}  // namespace

TEST_CASE("a cache, and all that is made for it, belongs to its owner alone, whatever the umask", "[cache]") {
    const TempDir dir;
    const Umask none(0);
    for (const char* name : {"a/cache", "b/cache/", "c/cache/below/deeper"}) make_cache_directory(dir.path() / name);
    for (const char* made : {"a", "a/cache", "b/cache", "c/cache", "c/cache/below", "c/cache/below/deeper"}) {
        INFO(made);
        CHECK(mode_of(dir.path() / made) == fs::perms::owner_all);
    }
    const ContentStore store(dir.path() / "store");
    CHECK(mode_of(dir.path() / "store") == fs::perms::owner_all);
}

TEST_CASE("a cache that somebody made on purpose is left as it is", "[cache]") {
    const TempDir dir;
    fs::create_directory(dir.path() / "shared");
    fs::permissions(dir.path() / "shared", fs::perms::all);
    make_cache_directory(dir.path() / "shared");
    CHECK(mode_of(dir.path() / "shared") == fs::perms::all);
}

TEST_CASE("what is no directory is an error that names it", "[cache]") {
    const TempDir dir;
    std::ofstream(dir.path() / "file") << "x";
    for (const char* name : {"file", "file/below"}) {
        try {
            make_cache_directory(dir.path() / name);
            FAIL("nothing was thrown");
        } catch (const Error& e) {
            CHECK(e.kind() == ErrorKind::system);
            CHECK(!e.is_not_found());
            CHECK(e.message().find(name) != std::string::npos);
        }
    }
}

TEST_CASE("a cache is made although somebody deletes it all the time", "[cache]") {
    const TempDir dir;
    std::atomic<bool> done = false;
    std::thread deleter([&] {
        std::error_code ignored;
        while (!done) fs::remove_all(dir.path() / "cache", ignored);
    });
    std::string failure;
    try {
        for (int i = 0; i < 500; ++i) make_cache_directory(dir.path() / "cache" / "packs");
    } catch (const Error& e) {
        failure = e.message();
    }
    done = true;
    deleter.join();
    CHECK(failure.empty());
}

TEST_CASE("a file that is missed is looked for again, other failures are not repeated", "[cache]") {
    int calls = 0;
    CHECK(outliving_deletions([&] {
              if (++calls < 3) throw system_error(ENOENT, "reading");
              return calls;
          }) == 3);
    calls = 0;
    CHECK_THROWS_AS(outliving_deletions([&] {
                        ++calls;
                        throw system_error(EACCES, "reading");
                    }),
                    Error);
    CHECK(calls == 1);
    calls = 0;
    CHECK_THROWS_AS(outliving_deletions([&] {
                        ++calls;
                        throw system_error(ENOENT, "reading");
                    }),
                    Error);
    CHECK(calls == kMostDeletions + 1);
}
