// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
namespace fs = std::filesystem;

namespace {

unsigned mode_of_file(const fs::path& file) {
    struct stat st {};
    return ::stat(file.c_str(), &st) == 0 ? st.st_mode & 07777U : 0;
}

/// Sets the time of `file` to `seconds` from now.
void set_age(const fs::path& file, long seconds) {
    const std::array<struct timespec, 2> times{{{::time(nullptr) + seconds, 0}, {::time(nullptr) + seconds, 0}}};
    REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0) == 0);
}

}  // namespace

TEST_CASE("a file appears whole or not at all", "[atomic_file]") {
    const TempDir dir;
    const fs::path target = dir.path() / "f";
    write_file_atomically(target, "old");
    {
        AtomicFile file(target);
        file.write(as_bytes("half of"));
        CHECK(read_file(target, 100) == "old");
    }
    CHECK(read_file(target, 100) == "old");
    write_file_atomically(target, "new");
    CHECK(read_file(target, 100) == "new");
    CHECK(std::distance(fs::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("modes heed the umask, which stays what it is", "[atomic_file]") {
    const TempDir dir;
    for (const mode_t mask : {0000U, 0022U, 0077U}) {
        const mode_t before = ::umask(mask);
        write_file_atomically(dir.path() / "f", "x");
        write_file_atomically(dir.path() / "x", "x", 0755);
        CHECK(::umask(before) == mask);
        CHECK(mode_of_file(dir.path() / "f") == (0644U & ~mask));
        CHECK(mode_of_file(dir.path() / "x") == (0755U & ~mask));
    }
}

TEST_CASE("what can't be written is told with the file's name, and leaves nothing", "[atomic_file]") {
    const TempDir dir;
    // A limit on file sizes stands in for a full disk.
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const struct rlimit small = {1000, before.rlim_max};
    auto* handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    std::string message;
    try {
        write_file_atomically(dir.path() / "large", std::string(2000, 'x'));
    } catch (const Error& e) {
        message = e.message();
    }
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    static_cast<void>(std::signal(SIGXFSZ, handler));
    CHECK(message.find("large") != std::string::npos);
    CHECK(message.find("File too large") != std::string::npos);
    CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("what dead writers left is swept away, whatever their clock said; what lives is left alone",
          "[atomic_file]") {
    const TempDir dir;
    for (const char* name : {".tmp-old", ".tmp-future", ".tmp-young", "other"}) std::ofstream(dir.path() / name) << "x";
    set_age(dir.path() / ".tmp-old", -3600);
    set_age(dir.path() / ".tmp-future", 3600L * 24 * 365 * 10);
    AtomicFile live(dir.path() / "live");
    for (const auto& entry : fs::directory_iterator(dir.path())) {
        if (entry.path().filename() != ".tmp-young" && entry.path().filename() != ".tmp-future")
            set_age(entry.path(), -3600);
    }
    sweep_temporaries(dir.path());
    CHECK_FALSE(fs::exists(dir.path() / ".tmp-old"));
    CHECK_FALSE(fs::exists(dir.path() / ".tmp-future"));
    CHECK(fs::exists(dir.path() / ".tmp-young"));
    CHECK(fs::exists(dir.path() / "other"));
    CHECK_NOTHROW(live.commit());
    CHECK_NOTHROW(sweep_temporaries(dir.path() / "nothing"));
}
