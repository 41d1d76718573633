// SPDX-License-Identifier: Apache-2.0
//
// The start of a package is enough, as long as it can be verified; and where it can't, the package comes whole.
#include "resolver/package_start.h"

#include <catch2/catch.hpp>

#include "resolver/fetch.h"
#include "resolver/rpm_package.h"
#include "tests/unit/resolver/rpm_build.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::build_rpm;
using test::can_build_rpms;
using test::GpgHome;
using test::Server;
using test::TempDir;

namespace {

/// A server with one file, which counts what it gave away.
class RangeServer {
public:
    enum class Behaviour { ranges, no_ranges, other_range, too_short, other_total };

    RangeServer(std::string bytes, Behaviour behaviour)
        : bytes_(std::move(bytes)),
          behaviour_(behaviour),
          server_([this](Server::Connection& connection) { serve(connection); }) {}

    [[nodiscard]] std::string url() const { return server_.url() + "/"; }
    [[nodiscard]] int ranges() const { return ranges_; }
    [[nodiscard]] int wholes() const { return wholes_; }

private:
    void serve(Server::Connection& connection) {
        const std::string mark = "Range: bytes=0-";
        const std::size_t at = connection.request().find(mark);
        if (at == std::string::npos || behaviour_ == Behaviour::no_ranges) {
            (at == std::string::npos ? wholes_ : ranges_) += 1;
            connection.answer("200 OK", bytes_);
            return;
        }
        ++ranges_;
        const std::size_t last = std::stoul(connection.request().substr(at + mark.size()));
        const std::size_t total = bytes_.size() + (behaviour_ == Behaviour::other_total ? 1 : 0);
        const std::size_t first = behaviour_ == Behaviour::other_range ? 1 : 0;
        const std::string body = bytes_.substr(first, last + 1 - first - (behaviour_ == Behaviour::too_short ? 1 : 0));
        connection.send("HTTP/1.1 206 Partial Content\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\nContent-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
                        std::to_string(total) + "\r\nConnection: close\r\n\r\n" + body);
    }

    std::string bytes_;
    Behaviour behaviour_;
    std::atomic<int> ranges_ = 0;
    std::atomic<int> wholes_ = 0;
    Server server_;
};

/// A signed package with a long payload, and what a lock and a configuration say about it.
struct Signed {
    TempDir dir;
    GpgHome key;
    std::string bytes;
    PackageRef ref;
    RpmHeader header;

    Signed() {
        test::RpmSpec spec;
        spec.payload = "w.ufdio";
        spec.install = "mkdir $R/d; seq 100000 >$R/d/numbers\n";
        spec.files = "/d/numbers\n";
        const std::filesystem::path file = build_rpm(dir.path(), spec);
        key.sign_rpm(file);
        bytes = test::read(file);
        header = read_rpm_header(file, nullptr);
        ref.nevra = header.nevra;
        ref.repo = "tiny";
        ref.location = file.filename().string();
        ref.checksum = {"sha256", sha256(bytes).hex()};
        ref.size = bytes.size();
        ref.header_end = header.header_end;
    }

    [[nodiscard]] Keyrings keyrings(const GpgHome& by) const {
        Keyring keyring;
        keyring.add(by.public_key(), "test key");
        return {{"tiny", keyring}};
    }

    [[nodiscard]] LocalPackage fetch(const std::string& baseurl, const Keyrings& keyrings, bool rehash = false) const {
        return fetch(std::vector{baseurl}, keyrings, rehash);
    }
    [[nodiscard]] LocalPackage fetch(const std::vector<std::string>& baseurls, const Keyrings& keyrings,
                                     bool rehash = false) const {
        RepoConfig config;
        config.id = "tiny";
        config.baseurls = baseurls;
        HttpClient http;
        FetchOptions options{dir / "cache", false, rehash, 1, &keyrings};
        return fetch_packages({ref}, {config}, {}, options, http, silent_reporter()).at(0);
    }
};

}  // namespace

TEST_CASE("of a package that need not be whole, only the start is fetched", "[fetch][start]") {
    if (!can_build_rpms()) return;
    const Signed package;
    const Keyrings keyrings = package.keyrings(package.key);
    LocalPackage start;
    {
        const RangeServer server(package.bytes, RangeServer::Behaviour::ranges);
        start = package.fetch(server.url(), keyrings);
        CHECK(server.ranges() == 1);
        CHECK(server.wholes() == 0);
    }
    CHECK_FALSE(start.is_whole);
    CHECK(test::read(start.file) == package.bytes.substr(0, package.header.header_end));
    CHECK(read_package_header(start, keyrings).digest == package.header.digest);
    // From now on it needs no network, and a damaged one is fetched again.
    CHECK(package.fetch("http://127.0.0.1:1/", keyrings).file == start.file);
    test::write(start.file, std::string(package.header.header_end, 'x'));
    const RangeServer server(package.bytes, RangeServer::Behaviour::ranges);
    CHECK(read_package_header(package.fetch(server.url(), keyrings, true), keyrings).digest == package.header.digest);
}

TEST_CASE("a start comes from the next mirror where one is away or has no ranges", "[fetch][start]") {
    if (!can_build_rpms()) return;
    using Behaviour = RangeServer::Behaviour;
    const Signed package;
    const RangeServer plain(package.bytes, Behaviour::no_ranges);
    const RangeServer good(package.bytes, Behaviour::ranges);
    const std::vector<std::string> mirrors{"http://127.0.0.1:1/", plain.url(), good.url()};
    const LocalPackage start = package.fetch(mirrors, package.keyrings(package.key));
    CHECK_FALSE(start.is_whole);
    CHECK(plain.ranges() == 1);
    CHECK(good.ranges() == 1);
    CHECK(plain.wholes() + good.wholes() == 0);
}

TEST_CASE("a start comes from a repository on disk, too", "[fetch][start]") {
    if (!can_build_rpms()) return;
    const Signed package;
    const LocalPackage start = package.fetch(package.dir.url() + "/", package.keyrings(package.key));
    CHECK_FALSE(start.is_whole);
    CHECK(test::read(start.file).size() == package.header.header_end);
}

TEST_CASE("a server that has no ranges, or other ones, is asked for the whole package", "[fetch][start][hostile]") {
    if (!can_build_rpms()) return;
    using Behaviour = RangeServer::Behaviour;
    const Signed package;
    for (const Behaviour behaviour :
         {Behaviour::no_ranges, Behaviour::other_range, Behaviour::too_short, Behaviour::other_total}) {
        std::filesystem::remove_all(package.dir / "cache");
        const RangeServer server(package.bytes, behaviour);
        const LocalPackage whole = package.fetch(server.url(), package.keyrings(package.key));
        CHECK(whole.is_whole);
        CHECK(test::read(whole.file) == package.bytes);
        CHECK(server.ranges() == 1);
        CHECK(server.wholes() == 1);
    }
}

TEST_CASE("a start that cannot be verified is not asked for", "[fetch][start][hostile]") {
    if (!can_build_rpms()) return;
    Signed package;
    const Keyrings unchecked{{"tiny", std::nullopt}};
    {
        const RangeServer server(package.bytes, RangeServer::Behaviour::ranges);
        CHECK(package.fetch(server.url(), unchecked).is_whole);
        CHECK(server.ranges() == 0);
    }
    std::filesystem::remove_all(package.dir / "cache");
    package.ref.header = package.header.digest;
    const RangeServer server(package.bytes, RangeServer::Behaviour::ranges);
    const LocalPackage start = package.fetch(server.url(), unchecked);
    CHECK_FALSE(start.is_whole);
    CHECK_NOTHROW(read_package_header(start, unchecked));
    package.ref.header.reset();
    LocalPackage forgotten = start;
    forgotten.ref.header.reset();
    CHECK(
        test::contains(test::error_of([&] { static_cast<void>(read_package_header(forgotten, unchecked)); }).message(),
                       "nothing to verify that with"));
}

TEST_CASE("a start that is said to be huge is not asked for", "[fetch][start][hostile]") {
    if (!can_build_rpms()) return;
    Signed package;
    package.ref.size = 100 << 20;
    package.ref.header_end = 17 << 20;
    const RangeServer server(package.bytes, RangeServer::Behaviour::ranges);
    static_cast<void>(
        test::error_of([&] { static_cast<void>(package.fetch(server.url(), package.keyrings(package.key))); }));
    CHECK(server.ranges() == 0);
    CHECK(server.wholes() > 0);
}

TEST_CASE("a start with a wrong signature, or another header, is not kept", "[fetch][start][hostile]") {
    if (!can_build_rpms()) return;
    Signed package;
    const GpgHome other;
    std::string served = package.bytes;
    Keyrings keyrings = package.keyrings(package.key);
    SECTION("another key") { keyrings = package.keyrings(other); }
    SECTION("a changed byte") { served[package.header.header_end - 10] ^= 1; }
    SECTION("an end that metadata has wrong, before") { package.ref.header_end -= 8; }
    SECTION("an end that metadata has wrong, behind") { package.ref.header_end += 8; }
    SECTION("another header than the locked one") { package.ref.header = sha256("other"); }
    const RangeServer server(served, RangeServer::Behaviour::ranges);
    if (served == package.bytes) {
        CHECK(package.fetch(server.url(), keyrings).is_whole);
    } else {
        CHECK(test::error_of([&] { static_cast<void>(package.fetch(server.url(), keyrings)); }).kind() ==
              ErrorKind::integrity);
    }
    CHECK_FALSE(std::filesystem::exists(package.dir / ("cache/rpms/" + package.ref.checksum.hex + ".start")));
}
