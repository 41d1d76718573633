// SPDX-License-Identifier: Apache-2.0
//
// Packages that are named by URL: what may be one, and what servers do to who fetches one of which nothing is known.
#include "resolver/named_rpms.h"

#include <catch2/catch.hpp>

#include "resolver/lock.h"
#include "resolver/rpm_url.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;
using test::hasty;
using test::Server;
using test::TempDir;

namespace {

const std::string kSum(64, 'a');
const std::string kRpm = "\xed\xab\xee\xdb" + std::string(200'000, 'r');

std::string problem_of(const std::string& url) {
    return error_of([&] { static_cast<void>(parse_rpm_url(url)); }).message();
}

/// As `url` is fetched when nothing but its own fragment says what it is.
std::string fetch(const std::string& url, const TempDir& cache, const std::vector<PackageRef>& keep = {}) {
    HttpClient http(hasty());
    FetchOptions options;
    options.cache_dir = cache.path();
    std::vector<LocalRpm> rpms{{.location = url, .is_remote = true}};
    fetch_named_rpms(rpms, keep, options, http, silent_reporter());
    CHECK(rpms[0].size == std::filesystem::file_size(rpms[0].file));
    return test::read(rpms[0].file);
}

Download unknown(const std::string& url, const TempDir& dir) {
    Download out;
    out.what = "thing";
    out.urls = {url};
    out.max_bytes = 1 << 20;
    out.magic = "\xed\xab\xee\xdb";
    out.directory = dir / "c";
    out.name = [](const Digest& digest) { return digest.hex(); };
    return out;
}

std::string fetch_unknown(Server& server, const TempDir& dir) {
    HttpClient http(hasty());
    return test::read(
        download_all({unknown(server.url() + "/x.rpm", dir)}, "packages", 1, http, silent_reporter()).at(0).file);
}

}  // namespace

TEST_CASE("the URL of a package is https, or says which bytes it is", "[named]") {
    CHECK(parse_rpm_url("https://h/a%20b/x.rpm").url == "https://h/a%20b/x.rpm");
    CHECK(parse_rpm_url("file:///srv/x.rpm").url == "file:///srv/x.rpm");
    CHECK(parse_rpm_url("http://h:81/x.rpm#sha256=" + kSum).sha256->hex() == kSum);
    CHECK(contains(problem_of("http://h/x.rpm"), "without TLS"));
    for (const char* url : {"ftp://h/x.rpm", "file://h/x.rpm", "HTTPS://h/x.rpm", "s3://h/x.rpm"}) {
        CHECK(contains(problem_of(url), "no https, http or file URL"));
    }
    for (const char* url : {"https://h/x.rpm#", "https://h/x.rpm#sha256=", "https://h/x.rpm#md5=12",
                            "https://h/x.rpm#sha256=zz", "https://h/x.rpm#x"}) {
        CHECK(contains(problem_of(url), "64 hexadecimal digits"));
    }
    CHECK(contains(problem_of("https:///x.rpm"), "names no host"));
}

TEST_CASE("the URL of a package publishes no secret, and its refusal repeats none", "[named][hostile]") {
    for (const char* url : {"https://u:canary@h/x.rpm", "https://canary@h/x.rpm", "https://h/x.rpm?t=canary",
                            "https://h/x.rpm?canary#sha256=1", "ftp://u:canary@h/x.rpm", "https://h/x.rpm#canary"}) {
        REQUIRE(is_rpm_url(url));
        CHECK(problem_of(url) != "nothing was thrown");
        CHECK_FALSE(contains(problem_of(url), "canary"));
    }
    for (const char* url : {"https://h/a b.rpm", "https://h/a\nb.rpm", "https://h/\x7f.rpm", "https://h/\xc3\xa4.rpm",
                            "https://h\\evil/x.rpm"}) {
        CHECK(contains(problem_of(url), "no URL may have"));
    }
}

TEST_CASE("an image, a name and a repository are no URL of a package", "[named]") {
    for (const char* name : {"docker://h/x.rpm", "x.rpm", "/srv/x.rpm", "https://h/x", "https://h/x.rpm/y", "a"}) {
        CHECK_FALSE(is_rpm_url(name));
    }
}

TEST_CASE("a lock names only such URLs, with the bytes that they say", "[named][lock][hostile]") {
    const auto lock_of = [](const std::string& location, const std::string& sum) {
        return R"({"schema":1,"request":"sha256:)" + kSum + R"(","arch":"x86_64","repos":[],"packages":[)" +
               R"({"nevra":"x-1-1.noarch","location":")" + location + R"(","size":9,"checksum":"sha256:)" + sum +
               R"("}]})";
    };
    const std::string good = "https://h/x.rpm";
    CHECK(parse_lock(print_lock(parse_lock(lock_of(good, kSum)))).packages.at(0).location == good);
    for (const char* bad :
         {"http://h/x.rpm", "https://u:p@h/x.rpm", "ftp://h/x.rpm", "https://h/x", "https://h/x.rpm?q"}) {
        CHECK(error_of([&] { static_cast<void>(parse_lock(lock_of(bad, kSum))); }).kind() == ErrorKind::format);
    }
    const std::string other(64, 'b');
    CHECK(contains(error_of([&] { static_cast<void>(parse_lock(lock_of(good + "#sha256=" + kSum, other))); }).message(),
                   "another checksum than its URL"));
}

TEST_CASE("a package that its URL pins is fetched once, and is these bytes or none", "[named][hostile]") {
    const TempDir cache;
    int asked = 0;
    Server server([&](Server::Connection& connection) {
        ++asked;
        connection.answer("200 OK", kRpm);
    });
    const std::string url = server.url() + "/x.rpm#sha256=" + sha256(kRpm).hex();
    CHECK(fetch(url, cache) == kRpm);
    CHECK(fetch(url, cache) == kRpm);
    CHECK(asked == 1);
    // What is damaged in the cache is fetched again.
    const std::filesystem::path cached = cache.path() / "rpms" / (sha256(kRpm).hex() + ".rpm");
    test::write(cached, std::string(kRpm.size(), 'x'));
    CHECK(fetch(url, cache) == kRpm);
    CHECK(asked == 2);
    const Error error = error_of([&] { fetch(server.url() + "/x.rpm#sha256=" + kSum, cache); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(contains(error.message(), "expected sha256:aaa"));
}

TEST_CASE("a locked URL is what the lock says, whatever the server has by now", "[named][hostile]") {
    const TempDir cache;
    Server server([](Server::Connection& connection) { connection.answer("200 OK", kRpm); });
    const std::string url = server.url() + "/x.rpm#sha256=" + sha256(kRpm).hex();
    PackageRef ref{Nevra::parse("x-1-1.noarch"), "", url, {"sha256", kSum}, kRpm.size()};
    const Error error = error_of([&] { fetch(url, cache, {ref}); });
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(contains(error.message(), "'smith update' takes what is there now"));
    ref.checksum.hex = sha256(kRpm).hex();
    CHECK(fetch(url, cache, {ref}) == kRpm);
}

TEST_CASE("what is no package is given up at its first bytes", "[named][hostile]") {
    const TempDir dir;
    for (const std::string& body :
         {std::string("<html>"), std::string(), std::string("\xed\xab"), std::string(1 << 20, 'x')}) {
        Server server([&](Server::Connection& connection) { connection.answer("200 OK", body); });
        const Error error = error_of([&] { fetch_unknown(server, dir); });
        CHECK(error.kind() == ErrorKind::integrity);
        CHECK(contains(error.message(), "is no RPM package"));
    }
    CHECK(std::filesystem::is_empty(dir / "c"));
}

TEST_CASE("an unknown package that never ends is given up at the bound", "[named][hostile]") {
    const TempDir dir;
    Server server([](Server::Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n\r\n");
        std::string piece = kRpm;
        while (connection.send(piece)) piece[0] = 'r';
    });
    const Error error = error_of([&] { fetch_unknown(server, dir); });
    CHECK(contains(error.message(), "longer than the 1048576 bytes"));
    CHECK(std::filesystem::is_empty(dir / "c"));
}

TEST_CASE("pieces of an unknown package are put together only if the server vouches that they are of one",
          "[named][hostile]") {
    const auto run = [](const std::string& headers, bool changes) {
        const TempDir dir;
        int count = 0;
        std::string second;
        Server server([&](Server::Connection& connection) {
            const std::string body = changes && count > 0 ? "\xed\xab\xee\xdb" + std::string(200'000, 'n') : kRpm;
            if (++count > 1) {
                second = connection.request();
                // A server that does not look at If-Range: the tag tells.
                const std::size_t from = contains(second, "Range: bytes=") ? 100'000 : 0;
                if (from == 0) return connection.answer("200 OK", body, headers);
                return connection.answer("206 Partial Content", body.substr(from),
                                         "Content-Range: bytes 100000-200003/200004\r\n" + headers);
            }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
                            "\r\n" + body.substr(0, 100'000));
        });
        const std::string got = fetch_unknown(server, dir);
        CHECK(got == (changes ? "\xed\xab\xee\xdb" + std::string(200'000, 'n') : kRpm));
        return second;
    };
    CHECK(contains(run("ETag: \"one\"\r\n", false), "If-Range: \"one\""));
    // Nothing says that it is still the same: all of it is asked for, and got.
    CHECK_FALSE(contains(run("", true), "Range:"));
    CHECK_FALSE(contains(run("ETag: W/\"one\"\r\n", true), "Range:"));
}
