// SPDX-License-Identifier: Apache-2.0
//
// The HTTP client against servers that do as they please.
#include "base/http.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <thread>

#include "tests/unit/resolver/support.h"

using namespace smith;
using test::contains;
using test::error_of;
using test::Server;

namespace {

HttpOptions impatient() {
    HttpOptions options;
    options.connect_timeout_s = 2;
    options.low_speed_bytes_per_s = 1000;
    options.low_speed_time_s = 1;
    return options;
}

HttpRequest get(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return request;
}

Error failure_of(const HttpRequest& request) {
    return error_of([&] {
        HttpClient http(impatient());
        static_cast<void>(http.perform(request));
    });
}

}  // namespace

TEST_CASE("a body arrives with its headers, and the client says who it is", "[http]") {
    std::string seen;
    Server server([&](Server::Connection& connection) {
        seen = connection.request();
        connection.answer("200 OK", "hello", "X-Thing: a\r\nx-thing: b\r\n");
    });
    HttpClient http;
    const HttpResponse response = http.perform(get(server.url() + "/x"));
    CHECK(response.status == 200);
    CHECK(response.body == "hello");
    CHECK(response.header("x-thing") == "a, b");
    CHECK(contains(seen, "GET /x HTTP/1.1"));
    CHECK(contains(seen, "User-Agent: smith"));
}

TEST_CASE("many transfers give their results in the order of the requests", "[http]") {
    Server server([](Server::Connection& connection) { connection.answer("200 OK", connection.path()); });
    std::vector<HttpRequest> requests;
    for (int i = 0; i < 40; ++i) requests.push_back(get(server.url() + "/" + std::to_string(i)));
    requests.push_back(get("gopher://x/"));
    HttpClient http;
    const auto results = http.perform_all(requests);
    REQUIRE(results.size() == 41);
    for (int i = 0; i < 40; ++i) {
        REQUIRE(results[static_cast<std::size_t>(i)].error == nullptr);
        CHECK(results[static_cast<std::size_t>(i)].response.body == "/" + std::to_string(i));
    }
    CHECK(results[40].error != nullptr);
}

TEST_CASE("any status is an answer, and check_ok makes an error of it", "[http]") {
    Server server([](Server::Connection& connection) { connection.answer("404 Not Found", "sorry"); });
    HttpClient http;
    HttpRequest request = get(server.url() + "/a?token=secret");
    bool sink_was_called = false;
    request.sink = [&](auto) { sink_was_called = true; };
    const HttpResponse response = http.perform(request);
    CHECK(response.body == "sorry");
    CHECK_FALSE(sink_was_called);
    const Error error = error_of([&] { check_ok(request, response); });
    CHECK(error.kind() == ErrorKind::fetch);
    CHECK(error.message() == "GET '" + server.url() + "/a': the server says 404 (not found)");
}

TEST_CASE("a body is sent, and sent again after a redirect that keeps the method", "[http]") {
    Server server([](Server::Connection& connection) {
        if (connection.path() == "/a") {
            connection.answer("307 Temporary Redirect", "", "Location: /b\r\n");
        } else {
            connection.answer("201 Created", connection.request().substr(0, 3));
        }
    });
    const std::string body = "data";
    std::size_t at = 0;
    HttpRequest request = get(server.url() + "/a");
    request.method = "PUT";
    request.body = HttpBody{body.size(),
                            [&](std::span<std::byte> buffer) {
                                const std::size_t count = std::min(buffer.size(), body.size() - at);
                                std::memcpy(buffer.data(), body.data() + at, count);
                                at += count;
                                return count;
                            },
                            [&] { at = 0; }};
    HttpClient http;
    const HttpResponse response = http.perform(request);
    CHECK(response.status == 201);
    CHECK(response.body == "PUT");
    CHECK(contains(response.url, "/b"));
}

TEST_CASE("an endless answer is cut off at the bound", "[http][hostile]") {
    Server server([](Server::Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n\r\n");
        while (connection.send(std::string(65536, 'x'))) {
        }
    });
    HttpRequest request = get(server.url());
    request.max_bytes = 100000;
    std::uint64_t taken = 0;
    request.sink = [&](std::span<const std::byte> bytes) { taken += bytes.size(); };
    const Error error = failure_of(request);
    CHECK(error.kind() == ErrorKind::integrity);
    CHECK(contains(error.message(), "longer than the 100000 bytes"));
    CHECK(taken <= 100000);
}

TEST_CASE("an answer that is cut short is an error", "[http][hostile]") {
    Server server([](Server::Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this");
    });
    const Error error = failure_of(get(server.url()));
    CHECK(error.kind() == ErrorKind::fetch);
    CHECK(contains(error.message(), "991 bytes remaining"));
}

TEST_CASE("a server that stops sending is given up", "[http][hostile]") {
    std::atomic<bool> done = false;
    Server server([&](Server::Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx");
        while (!done) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    });
    const Error error = failure_of(get(server.url()));
    done = true;
    CHECK(error.kind() == ErrorKind::fetch);
    CHECK(contains(error.message(), "too slow"));
}

TEST_CASE("a header that never ends is given up", "[http][hostile]") {
    Server server([](Server::Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n");
        for (int i = 0; connection.send("X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n"); ++i) {
        }
    });
    CHECK(failure_of(get(server.url())).kind() == ErrorKind::fetch);
}

TEST_CASE("a redirect to a file or another scheme is not followed", "[http][hostile]") {
    for (const std::string target : {"file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/x", "scp://h/x"}) {
        Server server([&](Server::Connection& connection) {
            connection.answer("302 Found", "", "Location: " + target + "\r\n");
        });
        INFO(target);
        CHECK(failure_of(get(server.url())).kind() == ErrorKind::fetch);
    }
}

TEST_CASE("the body of a redirect is not read for ever", "[http][hostile]") {
    const std::string block(65536, 'x');
    for (const bool by_chunks : {false, true}) {
        Server server([&](Server::Connection& connection) {
            connection.send("HTTP/1.1 307 x\r\nLocation: /there\r\n" +
                            std::string(by_chunks ? "Transfer-Encoding: chunked" : "Content-Length: 99999999999999") +
                            "\r\n\r\n");
            while (connection.send(by_chunks ? "10000\r\n" + block + "\r\n" : block)) {
            }
        });
        const Error error = failure_of(get(server.url()));
        CHECK(error.kind() == ErrorKind::fetch);
        CHECK(contains(error.message(), "the redirect's body never ends"));
    }
}

TEST_CASE("a header line of any length is an error that says so", "[http][hostile]") {
    Server server([](Server::Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x') + "\r\nContent-Length: 0\r\n\r\n");
    });
    CHECK(contains(failure_of(get(server.url())).message(), "a header that is too long"));
}

TEST_CASE("chunks whose size never ends are given up", "[http][hostile]") {
    Server server([](Server::Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;");
        while (connection.send(std::string(65536, 'x'))) {
        }
    });
    // Not one byte of a body comes, however many of its frame do.
    CHECK(contains(failure_of(get(server.url())).message(), "too slow"));
}

TEST_CASE("redirects in a circle end", "[http][hostile]") {
    Server server([](Server::Connection& connection) { connection.answer("302 Found", "", "Location: /again\r\n"); });
    CHECK(contains(failure_of(get(server.url())).message(), "redirects"));
}

TEST_CASE("credentials go to the host they are for, and into no message", "[http][hostile]") {
    std::string at_second;
    Server second([&](Server::Connection& connection) {
        at_second = connection.request();
        connection.answer("500 Oops", "");
    });
    std::string at_first;
    Server first([&](Server::Connection& connection) {
        at_first = connection.request();
        connection.answer("302 Found", "", "Location: http://localhost:" + std::to_string(second.port()) + "/\r\n");
    });
    HttpRequest request = get("http://user:canary@127.0.0.1:" + std::to_string(first.port()) + "/x");
    HttpClient http;
    const HttpResponse response = http.perform(request);
    CHECK(contains(at_first, "Authorization: Basic"));
    CHECK_FALSE(contains(at_second, "Authorization"));
    CHECK_FALSE(contains(error_of([&] { check_ok(request, response); }).message(), "canary"));

    HttpRequest with_token = get(first.url());
    with_token.headers = {"Authorization: Bearer canary"};
    static_cast<void>(http.perform(with_token));
    CHECK(contains(at_first, "Bearer canary"));
    CHECK_FALSE(contains(at_second, "canary"));
}

TEST_CASE("a part that nobody asked for is no answer", "[http][hostile]") {
    Server server([](Server::Connection& connection) {
        connection.answer("206 Partial Content", "half", "Content-Range: bytes 0-3/8\r\n");
    });
    HttpClient http;
    HttpRequest request = get(server.url());
    CHECK(contains(error_of([&] { check_ok(request, http.perform(request)); }).message(), "sends a part"));
    request.headers = {"Range: bytes=0-3"};
    CHECK_NOTHROW(check_ok(request, http.perform(request)));
}

TEST_CASE("user and password go to the host that was asked, and to no other", "[http][hostile]") {
    std::string at_second;
    Server second([&](Server::Connection& connection) {
        at_second = connection.request();
        connection.answer("200 OK", "");
    });
    std::string at_first;
    Server first([&](Server::Connection& connection) {
        at_first = connection.request();
        connection.answer("302 Found", "", "Location: " + second.url() + "/\r\n");
    });
    HttpRequest request = get(first.url() + "/x");
    request.access.credentials = {{origin_of(first.url()), Secret("user"), Secret("canary")}};
    HttpClient http;
    CHECK(http.perform(request).status == 200);
    CHECK(contains(at_first, "Authorization: Basic dXNlcjpjYW5hcnk="));
    CHECK(contains(at_second, "GET / "));
    CHECK_FALSE(contains(at_second, "Authorization"));
}

TEST_CASE("a small document that trickles in is given up in the end", "[http][hostile]") {
    std::atomic<bool> done = false;
    Server server([&](Server::Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n\r\n");
        // Fast enough for the lower bound of the rate.
        while (!done && connection.send(std::string(2000, 'x'))) {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    });
    HttpRequest request = get(server.url());
    request.max_seconds = 1;
    const Error error = failure_of(request);
    done = true;
    CHECK(error.kind() == ErrorKind::fetch);
    CHECK(contains(error.message(), "timed out"));
}

TEST_CASE("interim answers that never end are given up", "[http][hostile]") {
    Server server([](Server::Connection& connection) {
        while (connection.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")) {
        }
    });
    CHECK(failure_of(get(server.url())).kind() == ErrorKind::fetch);
}

TEST_CASE("what a sink throws ends the transfer and comes out", "[http]") {
    Server server([](Server::Connection& connection) { connection.answer("200 OK", "hello"); });
    HttpRequest request = get(server.url());
    request.sink = [](auto) { throw Error(ErrorKind::system, "the disk is full"); };
    CHECK(failure_of(request).message() == "the disk is full");
}

TEST_CASE("a line break cannot be smuggled into a header", "[http][hostile]") {
    HttpRequest request = get("http://127.0.0.1:1/");
    request.headers = {"A: b\r\nC: d"};
    CHECK(failure_of(request).kind() == ErrorKind::usage);
}

TEST_CASE("a URL is shown without user, password, query and fragment", "[http]") {
    CHECK(redact_url("https://u:p@h.example/a/b?t=s#f") == "https://h.example/a/b");
    CHECK(redact_url("https://h/@a") == "https://h/@a");
    CHECK(redact_url("file:///a/b") == "file:///a/b");
    CHECK(redact_url("https://u:p@h") == "https://h");
}
