// SPDX-License-Identifier: Apache-2.0
//
// Whether a request that failed is worth another try, and when: for mirrors and registries alike. Delays double, and
// there is no chance in them: the same failures give the same times. A server that names a time itself (RFC 9110,
// "Retry-After") is obeyed.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace smith {

struct HttpRequest;
struct HttpResponse;
struct HttpResult;
class HttpClient;

struct RetryOptions {
    unsigned retries = 3;  ///< after the first try
    std::chrono::milliseconds first_delay{500};
    std::chrono::milliseconds max_delay{30'000};
    /// Who asks for more patience than this is not asked again: nobody sits through it, and coming back sooner than
    /// told makes it worse.
    std::chrono::milliseconds max_retry_after{120'000};
};

/// True when the connection failed, or the server says that it is a matter of time: 408, 429, 500, 502, 503, 504.
[[nodiscard]] bool is_worth_retrying(const HttpResult& result);

/// How long a Retry-After value asks to wait, being read at `now` (seconds since 1970): seconds, or an HTTP date. 0 for
/// a date that is over. Nothing for anything else.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, std::int64_t now);

/// How long to wait after the `failures`th failure (from 1); nothing when there should be no other try.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_delay(const RetryOptions& options, unsigned failures,
                                                                   const HttpResult& result);

/// As HttpClient::perform, tried again as its options().retry say. Only for a request without sink: what one was given
/// cannot be taken back. The last failure is the one that is thrown, or returned.
[[nodiscard]] HttpResponse perform_with_retries(HttpClient& http, const HttpRequest& request);

/// Which hosts have failed in this run: the later they are asked again, the better.
class HostRecord {
public:
    void blame(std::string_view url);
    [[nodiscard]] unsigned failures(std::string_view url) const;

private:
    std::map<std::string, unsigned, std::less<>> failures_;
};

}  // namespace smith
