// SPDX-License-Identifier: Apache-2.0
//
// Lists of mirrors: what is read from them, and what is not taken from them.
#include "resolver/metalink.h"

#include <catch2/catch.hpp>

#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;

namespace {

const std::string kGood = "<repomd/>";

std::string hash(const std::string& type, const std::string& hex) {
    return "<hash type=\"" + type + "\">" + hex + "</hash>";
}

std::string url(const std::string& address, int preference) {
    return "<url protocol=\"https\" type=\"https\" location=\"DE\" preference=\"" + std::to_string(preference) + "\">" +
           address + "</url>";
}

/// As MirrorManager writes it.
std::string metalink(const std::string& verification, const std::string& urls, const std::string& alternates = "") {
    return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\" "
           "type=\"dynamic\" xmlns:mm0=\"http://fedorahosted.org/mirrormanager\"><files><file name=\"repomd.xml\">"
           "<mm0:timestamp>1700000000</mm0:timestamp><size>" +
           std::to_string(kGood.size()) + "</size><verification>" + verification + "</verification>" + alternates +
           "<resources maxconnections=\"1\">" + urls + "</resources></file></files></metalink>";
}

const std::string kHash = hash("md5", "0123") + hash("sha256", sha256(kGood).hex());
const std::string kUrl = url("https://a.example/os/repodata/repomd.xml", 100);

Error failure_of(const std::string& xml) {
    return error_of([&] { static_cast<void>(parse_metalink(xml, ListOrigin::remote)); });
}

}  // namespace

TEST_CASE("a metalink's mirrors stand in the order of their preference", "[metalink]") {
    const Metalink read = parse_metalink(metalink(kHash, url("rsync://r.example/os/repodata/repomd.xml", 100) +
                                                             url("http://c.example/x/repodata/repomd.xml", 80) +
                                                             url("https://a.example/os/repodata/repomd.xml", 100) +
                                                             url("ftp://f.example/os/repodata/repomd.xml", 99) +
                                                             url("https://b.example/os/repodata/repomd.xml", 100)),
                                         ListOrigin::remote);
    CHECK(read.baseurls ==
          std::vector<std::string>{"https://a.example/os/", "https://b.example/os/", "http://c.example/x/"});
    REQUIRE(read.repomds.size() == 1);
    CHECK(read.repomds[0].size == kGood.size());
    CHECK(read.repomds[0].checksums == std::vector<Checksum>{{"sha256", sha256(kGood).hex()}});
}

TEST_CASE("a metalink of version 4 is read, too", "[metalink]") {
    const Metalink read = parse_metalink(
        "<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\"><file name=\"other\"><url>https://x/y</url></file>"
        "<file name=\"repomd.xml\">" +
            hash("sha-256", sha256(kGood).hex()) +
            "<url priority=\"2\">https://b/repodata/repomd.xml</url>"
            "<url priority=\"1\">https://a/repodata/repomd.xml</url></file></metalink>",
        ListOrigin::remote);
    CHECK(read.baseurls == std::vector<std::string>{"https://a/", "https://b/"});
    CHECK_NOTHROW(check_repomd(read, kGood));
}

TEST_CASE("repomd.xml must be one that the metalink vouches for", "[metalink][hostile]") {
    const std::string before = "<before/>";
    const Metalink read = parse_metalink(
        metalink(kHash, kUrl,
                 "<mm0:alternates><mm0:alternate><size>9</size><verification>" + hash("sha256", sha256(before).hex()) +
                     "</verification></mm0:alternate><mm0:alternate><size>9</size>" + "<verification>" +
                     hash("md5", "0123") + "</verification></mm0:alternate></mm0:alternates>"),
        ListOrigin::remote);
    CHECK_NOTHROW(check_repomd(read, kGood));
    CHECK_NOTHROW(check_repomd(read, before));
    for (const std::string other : {"<repomd>", "<repomd/> ", "", "<evil-nin>"}) {
        const Error error = error_of([&] { check_repomd(read, other); });
        CHECK(error.kind() == ErrorKind::integrity);
        CHECK(contains(error.message(), "vouches for"));
    }
    // All that it says must hold, not some of it.
    const Metalink two =
        parse_metalink(metalink(kHash + hash("sha512", std::string(128, '0')), kUrl), ListOrigin::remote);
    CHECK(error_of([&] { check_repomd(two, kGood); }).kind() == ErrorKind::integrity);
    std::string longer = metalink(kHash, kUrl);
    longer.replace(longer.find("<size>9"), 7, "<size>8");
    CHECK(error_of([&] { check_repomd(parse_metalink(longer, ListOrigin::remote), kGood); }).kind() ==
          ErrorKind::integrity);
}

TEST_CASE("a metalink that vouches for nothing is refused", "[metalink][hostile]") {
    CHECK(contains(
        failure_of(metalink(hash("md5", std::string(32, '0')) + hash("sha1", std::string(40, '0')), kUrl)).message(),
        "SHA-256 or better"));
    CHECK(failure_of(metalink("", kUrl)).kind() == ErrorKind::format);
    CHECK(failure_of(metalink(hash("sha256", "short"), kUrl)).kind() == ErrorKind::format);
    CHECK(contains(failure_of("<metalink><files><file name=\"x\"/></files></metalink>").message(), "not about"));
    CHECK(contains(failure_of("<html/>").message(), "not a metalink"));
    CHECK(failure_of("").kind() == ErrorKind::format);
    CHECK(failure_of("<!DOCTYPE metalink [<!ENTITY a \"b\">]>" + metalink(kHash, kUrl)).kind() == ErrorKind::format);
    // The second one would decide where the first one was looked at.
    std::string twice = metalink(kHash, kUrl);
    twice.insert(twice.find("<file "), "<file name=\"repomd.xml\"></file>");
    CHECK(contains(failure_of(twice).message(), "twice"));
}

TEST_CASE("a list from a server names servers only", "[metalink][hostile]") {
    for (const std::string odd :
         {"file:///etc/repodata/repomd.xml", "https://user:pw@h/repodata/repomd.xml", "https:///repodata/repomd.xml",
          "https://h/a b/repodata/repomd.xml", "https://h/?x=/repodata/repomd.xml", "https://h/repomd.xml",
          "/repodata/repomd.xml", "gopher://h/repodata/repomd.xml", "https://h\\@i/repodata/repomd.xml"}) {
        INFO(odd);
        CHECK(contains(failure_of(metalink(kHash, url(odd, 1))).message(), "no http or https URL"));
        const std::string line = odd.substr(0, odd.rfind("repodata"));
        if (odd.find("/repomd.xml") == odd.find("://h/") + 4) continue;
        CHECK(error_of([&] { static_cast<void>(parse_mirrorlist(line, {}, ListOrigin::remote)); }).kind() ==
              ErrorKind::format);
    }
    CHECK(parse_metalink(metalink(kHash, url("file:///srv/os/repodata/repomd.xml", 1)), ListOrigin::local).baseurls ==
          std::vector<std::string>{"file:///srv/os/"});
}

TEST_CASE("a very long list is cut to the best of it", "[metalink][hostile]") {
    std::string urls;
    std::string lines;
    for (int i = 0; i < 2000; ++i) {
        urls += url("https://h" + std::to_string(i) + "/repodata/repomd.xml", i % 101);
        lines += "https://h" + std::to_string(i) + "/\n";
    }
    const Metalink read = parse_metalink(metalink(kHash, urls), ListOrigin::remote);
    REQUIRE(read.baseurls.size() == 25);
    CHECK(read.baseurls[0] == "https://h100/");
    CHECK(parse_mirrorlist(lines, {}, ListOrigin::remote).size() == 25);
    for (int i = 0; i < 4; ++i) urls += urls;
    CHECK(contains(failure_of(metalink(kHash, urls)).message(), "too many URLs"));
}

TEST_CASE("a mirrorlist is lines of URLs, with comments and variables", "[metalink]") {
    const RepoVars vars = repo_vars("x86_64", "9");
    CHECK(parse_mirrorlist("# from: EL\r\nhttps://a.example/$releasever/os/$basearch\r\n\n  http://b.example/os/  \n"
                           "ftp://c.example/os/\nhttp://d.example/$unknown/\nhttp://b.example/os\n",
                           vars, ListOrigin::remote) ==
          std::vector<std::string>{"https://a.example/9/os/x86_64/", "http://b.example/os/"});
    const auto message = [&](const std::string& text) {
        return error_of([&] { static_cast<void>(parse_mirrorlist(text, vars, ListOrigin::remote)); }).message();
    };
    CHECK(message("# nothing\n\n") == "the mirrorlist is empty");
    CHECK(contains(message("Invalid release/repo/arch combination\n"), "it says 'Invalid release"));
}
