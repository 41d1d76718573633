// SPDX-License-Identifier: Apache-2.0
//
// The small formats: names, locations, repomd.xml, OpenPGP packets.
#include <catch2/catch.hpp>

#include "resolver/nevra.h"
#include "resolver/openpgp.h"
#include "resolver/package_ref.h"
#include "resolver/repomd.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;

TEST_CASE("a NEVRA is read from the right, and printed as it was read", "[nevra]") {
    const Nevra nevra = Nevra::parse("gcc-c++-2:12.2.0-1.el9_1.x86_64");
    CHECK(nevra.name == "gcc-c++");
    CHECK(nevra.epoch == 2);
    CHECK(nevra.version == "12.2.0");
    CHECK(nevra.release == "1.el9_1");
    CHECK(nevra.arch == "x86_64");
    CHECK(nevra.str() == "gcc-c++-2:12.2.0-1.el9_1.x86_64");
    for (const char* bad : {"", "a", "a-1", "a-1-1", "-1-1.noarch", "a--1.noarch", "a-1-.noarch", "a-1-1.",
                            "a-x:1-1.noarch", "a-0:1-1.noarch", "a-4294967296:1-1.noarch"}) {
        INFO(bad);
        CHECK(error_of([&] { static_cast<void>(Nevra::parse(bad)); }).kind() == ErrorKind::format);
    }
}

TEST_CASE("versions are compared as rpm compares them", "[nevra]") {
    const auto order = [](const char* a, const char* b) {
        return compare_evr(Nevra::parse(std::string("p-") + a + ".noarch"),
                           Nevra::parse(std::string("p-") + b + ".noarch"));
    };
    CHECK(order("1.10-1", "1.9-1") > 0);
    CHECK(order("1.0~rc1-1", "1.0-1") < 0);
    CHECK(order("1.0^git1-1", "1.0-1") > 0);
    CHECK(order("1:1-1", "2-1") > 0);
    CHECK(order("1-2", "1-10") < 0);
    CHECK(order("1-1", "1-1") == 0);
}

TEST_CASE("a location may not leave its repository", "[location][hostile]") {
    for (const char* good : {"a.rpm", "Packages/g/gcc-c++-1.rpm", "x/..y/z..rpm", "a/b%20c.rpm", "a/x:y"}) {
        INFO(good);
        CHECK_NOTHROW(check_location(good));
    }
    for (const char* bad :
         {"", "/etc/passwd", "../x", "a/../x", "a/..", "..", "file:///etc/passwd", "http://other/x", "x:y", "//other/x",
          "a\\..\\x", "%2e%2e/x", "a/%2E./x", "a/.%2e", "a%2f..%2fx", "a%2F%2e%2e", "a\nb", "a\x7f"}) {
        INFO(bad);
        CHECK(error_of([&] { check_location(bad); }).kind() == ErrorKind::format);
    }
    CHECK_THROWS_AS(check_location(std::string("a\0b", 3)), Error);
    CHECK_THROWS_AS(check_location(std::string(5000, 'a')), Error);
}

namespace {

const std::string kSha256(64, 'a');

std::string repomd_with(const std::string& data) {
    return "<?xml version=\"1.0\"?>\n<repomd xmlns=\"x\">" + data + "</repomd>";
}
std::string record(const std::string& location) {
    return "<data type=\"primary\"><checksum type=\"sha256\">" + kSha256 + "</checksum><location href=\"" + location +
           "\"/><size>5</size></data>";
}
ErrorKind kind_of_error(const std::string& xml) {
    return error_of([&] { static_cast<void>(parse_repomd(xml)); }).kind();
}

}  // namespace

TEST_CASE("repomd.xml says where files are and what they must be", "[repomd]") {
    const Repomd repomd = parse_repomd(repomd_with(
        "<revision> 42\n</revision><data type=\"primary\"><checksum type=\"sha256\">" + kSha256 +
        "</checksum><open-checksum type=\"sha\">" + std::string(40, 'b') +
        "</open-checksum><location href=\"repodata/p.xml.gz\"/><timestamp>1</timestamp><size>5</size><open-size>9"
        "</open-size></data>"));
    CHECK(repomd.revision == "42");
    const RepomdRecord* primary = repomd.find("primary");
    REQUIRE(primary != nullptr);
    CHECK(primary->location == "repodata/p.xml.gz");
    CHECK(primary->checksum.str() == "sha256:" + kSha256);
    CHECK(primary->open_checksum->algorithm == "sha1");
    CHECK(primary->size == 5);
    CHECK(primary->open_size == 9);
    CHECK(repomd.find("filelists") == nullptr);
}

TEST_CASE("a repomd.xml that is not one is refused", "[repomd][hostile]") {
    CHECK(kind_of_error("") == ErrorKind::format);
    CHECK(kind_of_error("<html/>") == ErrorKind::format);
    CHECK(kind_of_error(repomd_with(record("a.xml") + "<data")) == ErrorKind::format);
    CHECK(kind_of_error(repomd_with(record("../../../etc/passwd"))) == ErrorKind::format);
    CHECK(kind_of_error(repomd_with(record("http://other.example/p.xml"))) == ErrorKind::format);
    CHECK(kind_of_error(repomd_with(record("a.xml") + record("b.xml"))) == ErrorKind::format);
    CHECK(kind_of_error(repomd_with("<data type=\"primary\"/>")) == ErrorKind::format);
    const auto problem_of = [](const std::string& xml) {
        return error_of([&] { static_cast<void>(parse_repomd(xml)); }).message();
    };
    const std::string good = "<checksum type=\"sha256\">" + kSha256 + "</checksum>";
    CHECK(contains(problem_of(repomd_with("<data type=\"primary\">" + good +
                                          "<location href=\"x\" xml:base=\"http://y\"/></data>")),
                   "has an xml:base"));
    std::string many;
    for (int i = 0; i < 1001; ++i) {
        many += "<data type=\"t" + std::to_string(i) + "\">" + good + "<location href=\"x\"/></data>";
    }
    CHECK(contains(problem_of(repomd_with(many)), "too many files"));
    CHECK(kind_of_error(repomd_with("<data type=\"p\"><checksum type=\"crc\">1</checksum></data>")) ==
          ErrorKind::format);
    CHECK(kind_of_error(repomd_with("<data type=\"p\"><size>-1</size></data>")) == ErrorKind::format);
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "<a>";
    CHECK(kind_of_error(repomd_with(deep)) == ErrorKind::format);
    CHECK(kind_of_error(repomd_with("<revision>" + std::string(3 << 20, 'x') + "</revision>")) == ErrorKind::format);
}

TEST_CASE("entities of XML are refused before they are expanded or fetched", "[repomd][hostile]") {
    const std::string laughs =
        "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>"
        "<repomd><revision>&b;</revision></repomd>";
    CHECK(contains(error_of([&] { static_cast<void>(parse_repomd(laughs)); }).message(), "document type declaration"));
    const std::string external = "<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><repomd/>";
    CHECK(
        contains(error_of([&] { static_cast<void>(parse_repomd(external)); }).message(), "document type declaration"));
}

TEST_CASE("OpenPGP packets that are cut short are refused", "[openpgp][hostile]") {
    const auto refuse = [](std::string_view bytes) {
        return error_of([&] { static_cast<void>(read_certificates(as_bytes(bytes))); }).kind() == ErrorKind::format;
    };
    CHECK(read_certificates({}).empty());
    CHECK(refuse("not a packet"));
    CHECK(refuse("\x99"));
    CHECK(refuse("\x99\xff\xff"));
    CHECK(refuse(std::string_view("\xc6\xff\xff\xff\xff\xff", 6)));
    CHECK(refuse(std::string_view("\x9b", 1)));                              // indeterminate length
    CHECK(refuse(std::string_view("\xc6\xe0", 2)));                          // partial length
    CHECK(refuse(std::string_view("\x99\x00\x05\x03\x00\x00\x00\x00", 8)));  // a key of version 3
    CHECK(refuse(std::string_view("\x89\x00\x05\x04\x00\x00\x00\x00", 8)));  // a signature without a key
}

TEST_CASE("armored blocks are found among other text", "[openpgp]") {
    const std::string text =
        "hello\n-----BEGIN PGP SIGNATURE-----\nVersion: x\n\nAAEC\nAw==\n=abcd\n-----END PGP SIGNATURE-----\n"
        "-----BEGIN PGP SIGNATURE-----\r\n\r\n/w==\r\n-----END PGP SIGNATURE-----\r\n";
    const auto blocks = dearmor(text, "SIGNATURE");
    REQUIRE(blocks.size() == 2);
    CHECK(blocks[0] == std::vector<std::byte>{std::byte{0}, std::byte{1}, std::byte{2}, std::byte{3}});
    CHECK(blocks[1] == std::vector<std::byte>{std::byte{0xff}});
    CHECK(dearmor(text, "PUBLIC KEY BLOCK").empty());
    CHECK_THROWS_AS(dearmor("-----BEGIN PGP SIGNATURE-----\n\nAA", "SIGNATURE"), Error);
    CHECK_THROWS_AS(dearmor("-----BEGIN PGP SIGNATURE-----\nno empty line\n-----END PGP SIGNATURE-----", "SIGNATURE"),
                    Error);
}
