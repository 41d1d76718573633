// SPDX-License-Identifier: Apache-2.0
//
// HTTP through libcurl, for repositories and registries alike. A server is not trusted: it may be slow, lie about
// lengths, never stop, or redirect anywhere; what a request may take is bounded here, what its bytes are worth is for
// the caller's digests to say.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/http_access.h"
#include "base/retry.h"
#include "base/sink.h"
#include "base/url_text.h"

namespace smith {

struct HttpResponse;

struct HttpOptions {
    std::string user_agent = "smith";
    long connect_timeout_s = 30;
    /// A transfer slower than this for that long is given up. dnf's defaults (minrate, timeout).
    long low_speed_bytes_per_s = 1000;
    long low_speed_time_s = 30;
    unsigned parallel = 8;           ///< transfers at a time
    unsigned parallel_per_host = 6;  ///< what browsers do; more is taken for an attack by some mirrors
    RetryOptions retry;              ///< for those who retry: the client itself never does
};

/// Bytes to send. `read` fills what it is given and returns how much that was; 0 is the end. `rewind` starts over: a
/// redirect may ask for the body a second time.
struct HttpBody {
    std::uint64_t size = 0;
    std::function<std::size_t(std::span<std::byte>)> read;
    std::function<void()> rewind;
};

struct HttpRequest {
    std::string url;  ///< http or https; may hold user:password, which goes to that host only and into no message
    std::string method = "GET";
    std::vector<std::string> headers;  ///< "Name: value". "Authorization" is dropped when redirected to another host
    std::optional<HttpBody> body;
    HttpAccess access;
    /// The body of a 2xx answer. What it throws ends the transfer and comes out of perform(). Without one the body is
    /// kept in HttpResponse::body.
    Sink sink;
    /// A longer answer is an Error (integrity): the endless-data attack.
    std::uint64_t max_bytes = 1 << 20;
    bool follow_redirects = true;  ///< at most 10, http and https only, never from https to http
    long max_seconds = 0;          ///< for the whole transfer, where a slow one is no use; 0: no such bound
    /// Called before the first byte of a 2xx answer's body, with status and headers. What it throws ends the transfer.
    std::function<void(const HttpResponse&)> on_start;
    /// Called with the bytes received so far.
    std::function<void(std::uint64_t)> on_progress;
    /// Called when the answer is complete, whatever its status. What it throws becomes the transfer's error.
    std::function<void(const HttpResponse&)> on_done;
};

struct HttpResponse {
    long status = 0;
    std::string url;                             ///< after redirects
    std::map<std::string, std::string> headers;  ///< names in lower case; of the last answer only
    std::string body;                            ///< when there was no sink; of a non-2xx answer its first 64 KiB
    std::uint64_t received = 0;                  ///< bytes of body

    [[nodiscard]] bool ok() const noexcept { return status >= 200 && status < 300; }
    /// "" when there is no such header. `name` in lower case.
    [[nodiscard]] std::string header(const std::string& name) const;
};

/// What came of one of several transfers.
struct HttpResult {
    HttpResponse response;
    std::exception_ptr error;  ///< null when there is a response
    /// The connection could not be made, or broke, or was too slow: the same request may succeed at another time.
    bool broken = false;
};

/// Requests that are thought of one after another, as others end: retries, mirrors.
class HttpSource {
public:
    /// Whether the host of a URL may be asked for one thing more at this moment.
    using HasRoom = std::function<bool(std::string_view url)>;

    HttpSource() = default;
    HttpSource(const HttpSource&) = delete;
    HttpSource& operator=(const HttpSource&) = delete;
    virtual ~HttpSource() = default;

    /// What to start now, or null. It must stay where it is until finished() has been called for it.
    [[nodiscard]] virtual const HttpRequest* next(const HasRoom& has_room) = 0;
    virtual void finished(const HttpRequest& request, HttpResult result) = 0;
    /// Asked when next() gave null: after how long it may give something although nothing ended. Nothing: never.
    [[nodiscard]] virtual std::optional<std::chrono::milliseconds> pause() = 0;
};

/// Keeps connections open between requests. One thread at a time.
class HttpClient {
public:
    explicit HttpClient(HttpOptions options = {});
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;
    ~HttpClient();

    /// Any status is a response. Throws Error: fetch, when there was none, or not all of it; integrity, when it was
    /// longer than `max_bytes`; and what the sink throws.
    [[nodiscard]] HttpResponse perform(const HttpRequest& request);

    /// All of `requests`, several at a time; results in the order of the requests. Sinks and callbacks run on the
    /// calling thread.
    [[nodiscard]] std::vector<HttpResult> perform_all(std::span<const HttpRequest> requests);

    /// All that `source` has, until it has nothing more. Its members are called on the calling thread.
    void run(HttpSource& source);

    [[nodiscard]] const HttpOptions& options() const noexcept;
    /// What has been learned of hosts by those who use this client.
    [[nodiscard]] HostRecord& hosts() noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Throws Error (fetch) that names method, URL and status, unless `response` is a 2xx one.
void check_ok(const HttpRequest& request, const HttpResponse& response);

/// The seconds since 1970 of an HTTP date (RFC 9110, "Date/Time Formats"); nothing for what is none.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace smith
