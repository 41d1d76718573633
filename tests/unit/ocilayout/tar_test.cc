// SPDX-License-Identifier: Apache-2.0
//
// The writer against the standard's fields, and against our reader.
#include <catch2/catch.hpp>
#include <memory>

#include "base/error.h"
#include "ocilayout/tar_reader.h"
#include "ocilayout/tar_writer.h"
#include "tests/unit/ocilayout/helpers.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

constexpr Owner kOwner{10, 10};

/// All entries of a tar, each as one line.
std::vector<std::string> listing(const std::string& tar) {
    const std::unique_ptr<ByteSource> source = memory_source(tar);
    TarReader reader(*source);
    TarEntry entry;
    std::vector<std::string> out;
    while (reader.next(entry)) {
        std::string line = entry.name + " " + std::to_string(static_cast<int>(entry.kind)) + " " +
                           std::to_string(entry.mode) + " " + std::to_string(entry.uid) + ":" +
                           std::to_string(entry.gid) + " " + std::to_string(entry.size);
        if (!entry.link.empty()) line += " -> " + entry.link;
        out.push_back(line);
    }
    return out;
}

std::string long_path(std::size_t components) {
    std::string out = "d";
    for (std::size_t i = 1; i < components; ++i) out += "/component";
    return out;
}

}  // namespace

TEST_CASE("a tar header has the fields of POSIX and nothing else", "[tar]") {
    std::string out;
    TarWriter tar(append_to(out));
    tar.file("etc/passwd", "x", 0644, kOwner);
    REQUIRE(out.size() == 1024);
    CHECK(out.substr(0, 11) == std::string("etc/passwd\0", 11));
    CHECK(out.substr(100, 8) == std::string("0000644\0", 8));
    CHECK(out.substr(108, 8) == std::string("0000012\0", 8));
    CHECK(out.substr(116, 8) == std::string("0000012\0", 8));
    CHECK(out.substr(124, 12) == std::string("00000000001\0", 12));
    CHECK(out.substr(136, 12) == std::string("00000000000\0", 12));
    CHECK(out[156] == '0');
    CHECK(out.substr(257, 8) == std::string("ustar\00000", 8));
    CHECK(out.substr(265, 64) == std::string(64, '\0'));  // uname, gname
    CHECK(out.substr(512) == "x" + std::string(511, '\0'));
}

TEST_CASE("what the tar writer writes, the tar reader reads", "[tar]") {
    std::string out;
    TarWriter tar(append_to(out));
    tar.directory("usr", 0755, kOwner);
    tar.file("usr/empty", "", 0755, kOwner);
    tar.file("usr/full", std::string(512, 'x'), 0644, kOwner);
    tar.hard_link("usr/hard", "usr/full", 0644, kOwner);
    tar.symlink("usr/link", "../etc", kOwner);
    tar.finish();
    CHECK(listing(out) == std::vector<std::string>{"usr/ 0 493 10:10 0", "usr/empty 1 493 10:10 0",
                                                   "usr/full 1 420 10:10 512", "usr/hard 3 420 10:10 0 -> usr/full",
                                                   "usr/link 2 511 10:10 0 -> ../etc"});
}

TEST_CASE("names of any length survive", "[tar]") {
    for (const std::size_t components : {1U, 9U, 10U, 11U, 20U, 26U, 27U, 60U, 300U}) {
        const std::string name = long_path(components);
        std::string out;
        TarWriter tar(append_to(out));
        tar.directory(name, 0755, kOwner);
        tar.symlink(name + "/l", name, kOwner);
        tar.finish();
        const std::vector<std::string> lines = listing(out);
        REQUIRE(lines.size() == 2);
        CHECK(lines[0] == name + "/ 0 493 10:10 0");
        CHECK(lines[1] == name + "/l 2 511 10:10 0 -> " + name);
    }
}

TEST_CASE("a name of 101 bytes without a slash needs a pax record, with one it does not", "[tar]") {
    std::string plain;
    TarWriter(append_to(plain)).file(std::string(50, 'a') + "/" + std::string(50, 'b'), "", 0644, kOwner);
    CHECK(plain.size() == 512);
    std::string pax;
    TarWriter(append_to(pax)).file(std::string(101, 'a'), "", 0644, kOwner);
    CHECK(pax.size() == 3 * 512);
    CHECK(pax[156] == 'x');
    CHECK(pax.substr(512, 10) == "111 path=a");
}

TEST_CASE("a pax record counts the digits of its own length", "[tar]") {
    // 91 bytes of "path=...\n" and a space make 92 + 2; one byte more than 99 makes three digits.
    for (std::size_t length = 101; length < 130; ++length) {
        std::string out;
        TarWriter tar(append_to(out));
        tar.file(std::string(length, 'a'), "", 0644, kOwner);
        tar.finish();
        CHECK(listing(out) == std::vector{std::string(length, 'a') + " 1 420 10:10 0"});
    }
}

TEST_CASE("a name that is not UTF-8 is kept to the byte", "[tar]") {
    const std::string name = std::string(101, 'a') + "\xff\xfe";
    std::string out;
    TarWriter tar(append_to(out));
    tar.file(name, "", 0644, kOwner);
    tar.finish();
    CHECK(out.find("21 hdrcharset=BINARY\n") == 512);
    CHECK(listing(out) == std::vector{name + " 1 420 10:10 0"});
}

TEST_CASE("sizes above 8 GiB and large owners go into pax records", "[tar]") {
    std::string out;
    TarWriter tar(append_to(out));
    const std::uint64_t size = (std::uint64_t{1} << 33U) + 5;
    tar.begin_file("big", size, 0644, Owner{4'000'000'000U, 2'097'152});
    CHECK(out.substr(512, 18) == "19 size=8589934597");
    const std::unique_ptr<ByteSource> source = memory_source(out);
    TarReader reader(*source);
    TarEntry entry;
    REQUIRE(reader.next(entry));
    CHECK(entry.size == size);
    CHECK(entry.uid == 4'000'000'000U);
    CHECK(entry.gid == 2'097'152U);
}

TEST_CASE("GNU long names, numbers in base 256 and old directories are read", "[tar]") {
    RawTar raw;
    const std::string name(150, 'n');
    raw.add({"././@LongLink", 'L'}, name + std::string(1, '\0'));
    raw.add({"cut", '0'}, "data");
    raw.add({"././@LongLink", 'K'}, std::string(120, 't') + std::string(1, '\0'));
    raw.add({"link", '2', "cut"});
    raw.add({"olddir/", '\0'});
    raw.add({"oldfile", '\0'}, "x");
    raw.add({"contiguous", '7'}, "x");
    const std::vector<std::string> lines = listing(raw.end());
    CHECK(lines == std::vector<std::string>{name + " 1 420 0:0 4", "link 2 420 0:0 0 -> " + std::string(120, 't'),
                                            "olddir/ 0 420 0:0 0", "oldfile 1 420 0:0 1", "contiguous 1 420 0:0 1"});
}

TEST_CASE("an archive may lack its end, and its last padding", "[tar]") {
    const RawTar raw = RawTar().file("a", "data");
    CHECK(listing(raw.bytes).size() == 1);
    CHECK(listing(raw.bytes.substr(0, 512 + 4)).size() == 1);
    CHECK_THROWS_AS(listing(raw.bytes.substr(0, 512 + 3)), Error);
    CHECK_THROWS_AS(listing(raw.bytes.substr(0, 511)), Error);
    CHECK(listing(raw.bytes + std::string(512, '\0')).size() == 1);
}

TEST_CASE("pax records for an entry don't reach the next one", "[tar]") {
    RawTar raw;
    raw.pax("15 path=longer\n").file("a", "").file("b", "");
    CHECK(listing(raw.end()) == std::vector<std::string>{"longer 1 420 0:0 0", "b 1 420 0:0 0"});
}

TEST_CASE("extended attributes are told by name", "[tar]") {
    RawTar raw;
    const std::string key = "SCHILY.xattr.security.capability=";
    raw.pax("39 " + key + "\x01\x02\n").file("a", "");
    const std::unique_ptr<ByteSource> source = memory_source(raw.end());
    TarReader reader(*source);
    TarEntry entry;
    REQUIRE(reader.next(entry));
    CHECK(entry.xattrs == std::vector<std::string>{"security.capability"});
}
