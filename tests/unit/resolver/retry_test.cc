// SPDX-License-Identifier: Apache-2.0
//
// When a failed request is tried again, and after how long.
#include "base/retry.h"

#include <catch2/catch.hpp>

#include "base/http.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::contains;
using test::error_of;
using test::hasty;
using test::Server;

namespace {

HttpResult answered(long status, const std::string& retry_after = "") {
    HttpResult result;
    result.response.status = status;
    if (!retry_after.empty()) result.response.headers["retry-after"] = retry_after;
    return result;
}

HttpResult broken() {
    HttpResult result;
    result.broken = true;
    return result;
}

}  // namespace

TEST_CASE("delays double up to their bound, and are the same every time", "[retry]") {
    RetryOptions options;
    options.retries = 6;
    options.first_delay = milliseconds(500);
    options.max_delay = milliseconds(5000);
    std::vector<long> delays;
    for (unsigned failures = 1; failures <= 6; ++failures) {
        delays.push_back(retry_delay(options, failures, broken()).value_or(milliseconds(-1)).count());
    }
    CHECK(delays == std::vector<long>{500, 1000, 2000, 4000, 5000, 5000});
    CHECK_FALSE(retry_delay(options, 7, broken()));
    options.retries = 0;
    CHECK_FALSE(retry_delay(options, 1, broken()));
}

TEST_CASE("what time may mend is tried again, and nothing else", "[retry]") {
    for (const long status : {408, 429, 500, 502, 503, 504}) CHECK(is_worth_retrying(answered(status)));
    for (const long status : {200, 206, 301, 400, 401, 403, 404, 410, 416, 501}) {
        CHECK_FALSE(is_worth_retrying(answered(status)));
    }
    CHECK(is_worth_retrying(broken()));
}

TEST_CASE("Retry-After is a number of seconds or a date", "[retry]") {
    const std::int64_t noon = 784111777;  // RFC 9110's own example
    CHECK(parse_retry_after("120", noon) == seconds(120));
    CHECK(parse_retry_after("0", noon) == seconds(0));
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", noon - 10) == seconds(10));
    CHECK(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", noon - 10) == seconds(10));
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", noon + 10) == seconds(0));
    CHECK(parse_retry_after("99999999999999999999999999", noon) == seconds(7 * 24 * 3600));
    CHECK(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", noon) == seconds(7 * 24 * 3600));
    for (const std::string text : {"", "-1", "1.5", "soon", "10 s"}) CHECK_FALSE(parse_retry_after(text, noon));
}

TEST_CASE("a server's own time is obeyed, and too long a one is not waited for", "[retry]") {
    RetryOptions options;
    CHECK(retry_delay(options, 1, answered(503, "20")) == seconds(20));
    CHECK(retry_delay(options, 1, answered(429, "0")) == options.first_delay);
    CHECK(retry_delay(options, 1, answered(503, "nonsense")) == options.first_delay);
    CHECK_FALSE(retry_delay(options, 1, answered(503, "3600")));
    CHECK_FALSE(retry_delay(options, 1, answered(404, "1")));
}

TEST_CASE("a request is repeated until it succeeds, or until it was enough", "[retry]") {
    int count = 0;
    Server server([&](Server::Connection& connection) {
        ++count;
        if (count == 1) return connection.answer("503 Busy", "", "Retry-After: 0\r\n");
        if (count == 2) return;  // hangs up
        if (count == 3) return static_cast<void>(connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal"));
        connection.answer("200 OK", "hello");
    });
    HttpClient http(hasty());
    HttpRequest request;
    request.url = server.url();
    CHECK(perform_with_retries(http, request).body == "hello");
    CHECK(count == 4);

    int refused = 0;
    Server busy([&](Server::Connection& connection) {
        ++refused;
        connection.answer("429 Too Many", "");
    });
    request.url = busy.url();
    CHECK(perform_with_retries(http, request).status == 429);
    CHECK(refused == 4);

    int absent = 0;
    Server empty([&](Server::Connection& connection) {
        ++absent;
        connection.answer("404 Not Found", "");
    });
    request.url = empty.url();
    CHECK(perform_with_retries(http, request).status == 404);
    CHECK(absent == 1);
}

TEST_CASE("a server that asks for an hour is not asked again, and the message says so", "[retry]") {
    int count = 0;
    Server server([&](Server::Connection& connection) {
        ++count;
        connection.answer("429 Too Many Requests", "", "Retry-After: 3600\r\n");
    });
    HttpClient http(hasty());
    HttpRequest request;
    request.url = server.url();
    const HttpResponse response = perform_with_retries(http, request);
    CHECK(count == 1);
    CHECK(contains(error_of([&] { check_ok(request, response); }).message(), "to come back after '3600'"));
}

TEST_CASE("a host that failed is remembered, whatever its path and user", "[retry]") {
    HostRecord hosts;
    hosts.blame("https://user:secret@mirror.example:8080/a?b");
    CHECK(hosts.failures("http://mirror.example:8080/c") == 1);
    CHECK(hosts.failures("http://mirror.example/c") == 0);
}
