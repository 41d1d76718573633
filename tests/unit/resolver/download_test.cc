// SPDX-License-Identifier: Apache-2.0
//
// Files of known checksum, from servers that fail, stop half-way, and answer something else than was asked.
#include "resolver/download.h"

#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <memory>

#include "resolver/attempts.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::contains;
using test::error_of;
using test::hasty;
using test::Server;
using test::TempDir;

namespace {

const std::string kBody = [] {
    std::string out;
    for (int i = 0; i < 20000; ++i) out += std::to_string(i) + " ";
    return out;
}();

Download download_of(const std::vector<std::string>& urls, const std::filesystem::path& directory) {
    Download out;
    out.what = "thing";
    out.urls = urls;
    out.checksum = {"sha256", sha256(kBody).hex()};
    out.size = kBody.size();
    out.max_bytes = 1 << 20;
    out.directory = directory;
    out.name = [](const Digest&) { return "thing"; };
    return out;
}

std::string fetch(const Download& download, HttpOptions options = hasty()) {
    HttpClient http(std::move(options));
    return test::read(download_all({download}, "packages", 1, http, silent_reporter()).at(0).file);
}

Error failure_of(const Download& download) {
    return error_of([&] { static_cast<void>(fetch(download)); });
}

/// The number behind "Range: bytes=", or 0.
std::size_t range_of(const Server::Connection& connection) {
    const std::string& request = connection.request();
    const std::size_t at = request.find("Range: bytes=");
    return at == std::string::npos ? 0 : std::stoul(request.substr(at + 13));
}

void answer_range(Server::Connection& connection, const std::string& body, const std::string& headers = "") {
    const std::size_t from = range_of(connection);
    if (from == 0) return connection.answer("200 OK", body, headers);
    connection.answer("206 Partial Content", body.substr(from),
                      "Content-Range: bytes " + std::to_string(from) + "-" + std::to_string(body.size() - 1) + "/" +
                          std::to_string(body.size()) + "\r\n" + headers);
}

/// Promises all of `body`, and hangs up half-way.
void answer_half(Server::Connection& connection, const std::string& body, const std::string& headers = "") {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n");
    connection.send(std::string_view(body).substr(0, body.size() / 2));
}

}  // namespace

TEST_CASE("a download goes on where the connection broke", "[download]") {
    const TempDir dir;
    std::vector<std::string> requests;
    Server server([&](Server::Connection& connection) {
        requests.push_back(connection.request());
        if (requests.size() == 1) return answer_half(connection, kBody, "ETag: \"one\"\r\n");
        answer_range(connection, kBody, "ETag: \"one\"\r\n");
    });
    CHECK(fetch(download_of({server.url()}, dir / "c")) == kBody);
    REQUIRE(requests.size() == 2);
    CHECK_FALSE(contains(requests[0], "Range:"));
    CHECK(contains(requests[1], "Range: bytes=" + std::to_string(kBody.size() / 2) + "-\r\n"));
    CHECK(contains(requests[1], "If-Range: \"one\"\r\n"));
}

TEST_CASE("the date serves for If-Range where there is no strong ETag", "[download]") {
    const TempDir dir;
    std::string last;
    int count = 0;
    Server server([&](Server::Connection& connection) {
        last = connection.request();
        const std::string headers = "ETag: W/\"weak\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        if (++count == 1) return answer_half(connection, kBody, headers);
        answer_range(connection, kBody, headers);
    });
    CHECK(fetch(download_of({server.url()}, dir / "c")) == kBody);
    CHECK(contains(last, "If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
}

TEST_CASE("a server that ignores ranges, or has another file now, starts over", "[download]") {
    const TempDir dir;
    int count = 0;
    Server server([&](Server::Connection& connection) {
        if (++count == 1) return answer_half(connection, std::string(kBody.size(), 'x'), "ETag: \"old\"\r\n");
        connection.answer("200 OK", kBody, "ETag: \"new\"\r\n");
    });
    CHECK(fetch(download_of({server.url()}, dir / "c")) == kBody);
    CHECK(count == 2);
}

TEST_CASE("the rest may come from another mirror", "[download]") {
    const TempDir dir;
    Server first([](Server::Connection& connection) { answer_half(connection, kBody, "ETag: \"first\"\r\n"); });
    std::string asked;
    Server second([&](Server::Connection& connection) {
        asked = connection.request();
        answer_range(connection, kBody, "ETag: \"second\"\r\n");
    });
    CHECK(fetch(download_of({first.url(), second.url()}, dir / "c")) == kBody);
    CHECK(contains(asked, "Range: bytes="));
    CHECK_FALSE(contains(asked, "If-Range"));
}

TEST_CASE("pieces that do not belong together are thrown away, and all of it is asked for", "[download][hostile]") {
    const TempDir dir;
    // The first piece is a lie; the mirror that completes it is not to blame.
    Server liar([](Server::Connection& connection) { answer_half(connection, std::string(kBody.size(), 'x')); });
    int count = 0;
    Server honest([&](Server::Connection& connection) {
        ++count;
        answer_range(connection, kBody);
    });
    CHECK(fetch(download_of({liar.url(), honest.url()}, dir / "c")) == kBody);
    CHECK(count == 2);
}

TEST_CASE("wrong parts are refused, and the file is had all the same", "[download][hostile]") {
    const std::size_t half = kBody.size() / 2;
    const auto range = [](std::size_t first, std::size_t last, std::size_t total) {
        return "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(total);
    };
    const std::size_t end = kBody.size() - 1;
    for (const std::string& said :
         {range(half + 1, end, kBody.size()), range(0, end, kBody.size()), range(half, end, kBody.size() + 1),
          range(half, half - 1, kBody.size()), range(half, end, half), std::string("bytes */10"),
          std::string("pages 1-2/3"), std::string("bytes 99999999999999999999-/1"), std::string()}) {
        INFO(said);
        const TempDir dir;
        int count = 0;
        Server server([&](Server::Connection& connection) {
            if (++count == 1) return answer_half(connection, kBody);
            if (count > 2) return connection.answer("200 OK", kBody);
            connection.answer("206 Partial Content", kBody.substr(half), "Content-Range: " + said + "\r\n");
        });
        CHECK(fetch(download_of({server.url()}, dir / "c")) == kBody);
        CHECK(count == 3);
    }
}

TEST_CASE("a part of another version is refused, and the file is had all the same", "[download][hostile]") {
    const TempDir dir;
    int count = 0;
    Server server([&](Server::Connection& connection) {
        // Takes no notice of If-Range.
        if (++count == 1) return answer_half(connection, kBody, "ETag: \"one\"\r\n");
        answer_range(connection, kBody, "ETag: \"two\"\r\n");
    });
    CHECK(fetch(download_of({server.url()}, dir / "c")) == kBody);
    CHECK(count == 3);
}

TEST_CASE("a range that cannot be had is not insisted on", "[download]") {
    const TempDir dir;
    int count = 0;
    Server server([&](Server::Connection& connection) {
        if (++count == 1) return answer_half(connection, kBody);
        if (range_of(connection) > 0) return connection.answer("416 Range Not Satisfiable", "");
        connection.answer("200 OK", kBody);
    });
    CHECK(fetch(download_of({server.url()}, dir / "c")) == kBody);
    CHECK(count == 3);
}

TEST_CASE("a part that nobody asked for is not the file", "[download][hostile]") {
    const TempDir dir;
    Server server([&](Server::Connection& connection) {
        connection.answer("206 Partial Content", kBody, "Content-Range: bytes 0-9/10\r\n");
    });
    CHECK(failure_of(download_of({server.url()}, dir / "c")).kind() == ErrorKind::fetch);
    CHECK(is_empty(dir / "c"));
}

TEST_CASE("a server that always stops half-way is given up, and leaves nothing", "[download][hostile]") {
    const TempDir dir;
    int count = 0;
    Server server([&](Server::Connection& connection) {
        ++count;
        answer_half(connection, kBody);
    });
    const Error error = failure_of(download_of({server.url()}, dir / "c"));
    CHECK(error.kind() == ErrorKind::fetch);
    CHECK(contains(error.message(), "3 other tries failed"));
    CHECK(count == 4);
    CHECK(is_empty(dir / "c"));
}

TEST_CASE("a whole file whose end was not told is a whole file", "[download]") {
    const TempDir dir;
    Server server([&](Server::Connection& connection) {
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", kBody.size());
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(size) + kBody + "\r\n");
    });
    CHECK(fetch(download_of({server.url()}, dir / "c")) == kBody);
}

TEST_CASE("wrong bytes and wrong lengths are refused, and the next mirror is asked", "[download][hostile]") {
    const std::vector<Server::Serve> hostile{
        [](Server::Connection& c) { c.answer("200 OK", std::string(kBody.size(), 'x')); },
        [](Server::Connection& c) { c.answer("200 OK", kBody + "x"); },
        [](Server::Connection& c) { c.answer("200 OK", kBody.substr(1)); },
        [](Server::Connection& c) { c.answer("200 OK", ""); },
        [](Server::Connection& c) { c.answer("204 No Content", ""); },
        [](Server::Connection& c) { c.answer("404 Not Found", kBody); },
        [](Server::Connection& c) { c.answer("301 Moved", "", "Location: file:///etc/passwd\r\n"); },
        [](Server::Connection& c) { c.send("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"); },
        [](Server::Connection& c) { c.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx"); },
        [](Server::Connection& c) { c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"); },
        [](Server::Connection& c) { c.send("220 mail.example ESMTP\r\n"); },
        [](Server::Connection& c) {
            c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while (c.send("10000\r\n" + std::string(65536, 'x') + "\r\n")) {
            }
        },
    };
    for (std::size_t i = 0; i < hostile.size(); ++i) {
        INFO("server " << i);
        const TempDir dir;
        Server bad(hostile[i]);
        Server good([](Server::Connection& connection) { answer_range(connection, kBody); });
        CHECK(error_of([&] { static_cast<void>(fetch(download_of({bad.url()}, dir / "c"))); }).kind() !=
              ErrorKind::usage);
        CHECK(is_empty(dir / "c"));
        CHECK(fetch(download_of({bad.url(), good.url()}, dir / "c")) == kBody);
    }
}

TEST_CASE("a body that stops coming is resumed elsewhere", "[download][hostile]") {
    const TempDir dir;
    std::atomic<bool> done = false;
    Server slow([&](Server::Connection& connection) {
        answer_half(connection, kBody);
        while (!done) std::this_thread::sleep_for(milliseconds(10));
    });
    Server good([](Server::Connection& connection) { answer_range(connection, kBody); });
    HttpOptions impatient = hasty();
    impatient.low_speed_time_s = 1;
    CHECK(fetch(download_of({slow.url(), good.url()}, dir / "c"), impatient) == kBody);
    done = true;
}

TEST_CASE("a mirror that failed is asked last for the rest of the run", "[download]") {
    const TempDir dir;
    int asked_bad = 0;
    Server bad([&](Server::Connection& connection) {
        ++asked_bad;
        connection.answer("500 Oops", "");
    });
    Server good([](Server::Connection& connection) { connection.answer("200 OK", kBody); });
    HttpOptions options = hasty();
    options.parallel = 1;
    HttpClient http(options);
    std::vector<Download> downloads;
    for (int i = 0; i < 10; ++i) {
        downloads.push_back(download_of({bad.url(), good.url()}, dir / ("c" + std::to_string(i))));
    }
    CHECK(download_all(downloads, "packages", 1, http, silent_reporter()).size() == 10);
    CHECK(download_all({download_of({bad.url(), good.url()}, dir / "later")}, "packages", 1, http, silent_reporter())
              .size() == 1);
    CHECK(asked_bad == 1);
}

TEST_CASE("downloads spill over to the next mirror when the first has no room", "[download]") {
    const TempDir dir;
    // Each answers only when the other was asked, too.
    std::atomic<int> at_first = 0;
    std::atomic<int> at_second = 0;
    const auto serve = [](std::atomic<int>& own, std::atomic<int>& other) {
        return [&](Server::Connection& connection) {
            ++own;
            for (int i = 0; other == 0 && i < 500; ++i) std::this_thread::sleep_for(milliseconds(10));
            connection.answer("200 OK", kBody);
        };
    };
    Server first(serve(at_first, at_second));
    Server second(serve(at_second, at_first));
    HttpOptions options = hasty();
    options.parallel = 2;
    options.parallel_per_host = 1;
    HttpClient http(options);
    std::vector<Download> downloads;
    for (int i = 0; i < 2; ++i) {
        downloads.push_back(download_of({first.url(), second.url()}, dir / ("c" + std::to_string(i))));
    }
    CHECK(download_all(downloads, "packages", 1, http, silent_reporter()).size() == 2);
    CHECK(at_first == 1);
    CHECK(at_second == 1);
}

TEST_CASE("of the errors of several mirrors the wrong bytes are told", "[download]") {
    const TempDir dir;
    Server gone([](Server::Connection& connection) { connection.answer("404 Not Found", ""); });
    Server wrong([](Server::Connection& connection) { connection.answer("200 OK", std::string(kBody.size(), 'x')); });
    const Error error = failure_of(download_of({gone.url(), wrong.url()}, dir / "c"));
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(contains(error.message(), "1 other try failed"));
}

TEST_CASE("a disk that takes no more is no reason to ask another mirror", "[download]") {
    const TempDir dir;
    Server first([](Server::Connection& connection) { connection.answer("200 OK", kBody); });
    int asked = 0;
    Server second([&](Server::Connection& connection) {
        ++asked;
        connection.answer("200 OK", kBody);
    });
    const auto kept_signal = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit kept {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &kept) == 0);
    struct rlimit small = kept;
    small.rlim_cur = 4096;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const Error error = failure_of(download_of({first.url(), second.url()}, dir / "c"));
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &kept) == 0);
    std::signal(SIGXFSZ, kept_signal);
    CHECK(error.kind() == ErrorKind::system);
    CHECK(contains(error.message(), "File too large"));
    CHECK(asked == 0);
}

TEST_CASE("what a repository says of retries is obeyed", "[download]") {
    const TempDir dir;
    int count = 0;
    Server server([&](Server::Connection& connection) {
        ++count;
        connection.answer("503 Busy", "");
    });
    Download download = download_of({server.url()}, dir / "c");
    download.retries = 1;
    CHECK(failure_of(download).kind() == ErrorKind::fetch);
    CHECK(count == 2);
}

TEST_CASE("attempts go round all places before they wait", "[download]") {
    RetryOptions options;
    options.retries = 2;
    options.first_delay = seconds(1);
    Attempts attempts(3, options);
    const auto anywhere = [](std::size_t) { return true; };
    const auto same = [](std::size_t) { return 0U; };
    const Attempts::Time start{};
    HttpResult broken;
    broken.broken = true;
    HttpResult absent;
    absent.response.status = 404;
    CHECK(attempts.next(start, anywhere, same) == 0U);
    CHECK(attempts.next(start, anywhere, [](std::size_t i) { return i == 0 ? 1U : 0U; }) == 1U);
    CHECK(attempts.next(
              start, [](std::size_t i) { return i == 2; }, same) == 2U);
    attempts.failed(0, broken, start);
    CHECK(attempts.next(start, anywhere, same) == 1U);
    attempts.failed(1, absent, start);
    CHECK(attempts.next(start, anywhere, same) == 2U);
    attempts.failed(2, broken, start);
    CHECK_FALSE(attempts.next(start, anywhere, same));
    CHECK(attempts.ready_at(start) == start + seconds(1));
    CHECK(attempts.next(start + seconds(1), anywhere, same) == 0U);
    attempts.failed(0, broken, start + seconds(1));
    CHECK(attempts.next(start + seconds(1), anywhere, same) == 2U);
    CHECK_FALSE(attempts.is_over());
    attempts.failed(2, broken, start + seconds(1));
    CHECK(attempts.is_over());
}

TEST_CASE("a place that asks for patience is asked when it said, and not before", "[download]") {
    const auto anywhere = [](std::size_t) { return true; };
    const auto same = [](std::size_t) { return 0U; };
    const Attempts::Time start{};
    HttpResult busy;
    busy.response.status = 503;
    busy.response.headers["retry-after"] = "20";
    Attempts attempts(1, {});
    attempts.failed(0, busy, start);
    CHECK_FALSE(attempts.next(start + seconds(19), anywhere, same));
    CHECK(attempts.next(start + seconds(20), anywhere, same) == 0U);
    // Another place need not wait with it.
    Attempts two(2, {});
    two.failed(0, busy, start);
    CHECK(two.next(start, anywhere, same) == 1U);
}
