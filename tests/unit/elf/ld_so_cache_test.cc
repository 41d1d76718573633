// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/ld_so_cache.h"

#include <elf.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/elf/run.h"
#include "tests/unit/temp_dir.h"

namespace smith::elf {
namespace {

constexpr Abi kX86{Class::bits32, ByteOrder::little, EM_386, 0};
constexpr Abi kX86_64{Class::bits64, ByteOrder::little, EM_X86_64, 0};
constexpr Abi kS390x{Class::bits64, ByteOrder::big, EM_S390, 0};

std::vector<std::string> names_in(const std::string& cache) {
    std::vector<std::string> out;
    for (const CacheEntry& entry : read_ld_so_cache(as_bytes(cache))) out.push_back(entry.soname + " " + entry.path);
    return out;
}

TEST_CASE("a cache that was written is read back, whatever the byte order", "[elf]") {
    for (const Abi& abi : {kX86_64, kS390x}) {
        const std::string cache = make_ld_so_cache({{"liba.so", "/a/liba.so", abi}, {"libb.so", "/b/libb.so", abi}});
        CHECK(names_in(cache) == std::vector<std::string>{"libb.so /b/libb.so", "liba.so /a/liba.so"});
    }
}

TEST_CASE("the bytes of a cache do not depend on the order of its entries", "[elf]") {
    const CacheEntry a{"liba.so.9", "/a/liba.so.9", kX86_64};
    const CacheEntry b{"liba.so.10", "/a/liba.so.10", kX86_64};
    const CacheEntry c{"liba.so.10", "/32/liba.so.10", kX86};
    CHECK(make_ld_so_cache({a, b, c}) == make_ld_so_cache({c, a, b, a}));
    CHECK(names_in(make_ld_so_cache({a, b, c})) ==
          std::vector<std::string>{"liba.so.10 /a/liba.so.10", "liba.so.10 /32/liba.so.10", "liba.so.9 /a/liba.so.9"});
}

TEST_CASE("names are ordered as ld.so's binary search expects them", "[elf]") {
    CHECK(compare_cache_names("liba.so.9", "liba.so.10") < 0);
    CHECK(compare_cache_names("liba.so.10", "liba.so.9") > 0);
    CHECK(compare_cache_names("liba.so.1", "liba.so") > 0);
    CHECK(compare_cache_names("liba.so", "libb.so") < 0);
    CHECK(compare_cache_names("lib1", "liba") > 0);
    CHECK(compare_cache_names("x", "x") == 0);
}

TEST_CASE("a broken cache is refused", "[elf]") {
    const std::string cache = make_ld_so_cache({{"liba.so", "/a/liba.so", kX86_64}});
    for (std::size_t size = 0; size < cache.size(); ++size) {
        CHECK_THROWS_AS(read_ld_so_cache(as_bytes(cache.substr(0, size))), Error);
    }
    std::string wrong = cache;
    wrong[48 + 4 + 3] = '\x7f';  // the offset of the name
    CHECK_THROWS_AS(read_ld_so_cache(as_bytes(wrong)), Error);
}

TEST_CASE("ldconfig reads the cache that we write", "[elf]") {
    const std::string ldconfig = std::filesystem::exists("/sbin/ldconfig") ? "/sbin/ldconfig" : "/usr/sbin/ldconfig";
    if (!std::filesystem::exists(ldconfig)) {
        WARN("skipped: this host has no ldconfig");
        return;
    }
    const TempDir directory;
    const std::filesystem::path file = directory.path() / "ld.so.cache";
    const std::string cache =
        make_ld_so_cache({{"liba.so.10", "/a/liba.so.10", kX86_64}, {"liba.so.9", "/32/liba.so.9", kX86}});
    write_all(open_file(file, O_WRONLY | O_CREAT).get(), as_bytes(cache));
    const std::string said = run({ldconfig, "-p", "-C", file.string()}).output;
    CHECK(said.find("liba.so.10 (libc6,x86-64) => /a/liba.so.10\n") != std::string::npos);
    CHECK(said.find("liba.so.9 (libc6) => /32/liba.so.9\n") != std::string::npos);
}

TEST_CASE("we read the cache that ldconfig wrote for this host", "[elf]") {
    if (!std::filesystem::exists("/etc/ld.so.cache")) {
        WARN("skipped: this host has no /etc/ld.so.cache");
        return;
    }
    const std::string cache = read_file("/etc/ld.so.cache", 1U << 28U);
    const std::vector<CacheEntry> entries = read_ld_so_cache(as_bytes(cache));
    CHECK_FALSE(entries.empty());
    bool is_sorted = true;
    for (std::size_t i = 1; i < entries.size(); ++i) {
        is_sorted = is_sorted && compare_cache_names(entries[i - 1].soname, entries[i].soname) >= 0;
    }
    CHECK(is_sorted);
}

}  // namespace
}  // namespace smith::elf
