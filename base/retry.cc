// SPDX-License-Identifier: Apache-2.0
#include "base/retry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <thread>

#include "base/http.h"

namespace smith {

namespace {

using std::chrono::milliseconds;

// A week: more does not fit the arithmetic, and nobody waits for it.
constexpr std::int64_t kLongestSeconds = 7 * 24 * 3600;

milliseconds backoff(const RetryOptions& options, unsigned failures) {
    milliseconds delay = options.first_delay;
    for (unsigned i = 1; i < failures && delay < options.max_delay; ++i) delay *= 2;
    return std::min(delay, options.max_delay);
}

}  // namespace

bool is_worth_retrying(const HttpResult& result) {
    if (result.broken) return true;
    constexpr std::array<long, 6> statuses{408, 429, 500, 502, 503, 504};
    return std::find(statuses.begin(), statuses.end(), result.response.status) != statuses.end();
}

std::optional<milliseconds> parse_retry_after(std::string_view value, std::int64_t now) {
    if (value.empty()) return std::nullopt;
    if (value.find_first_not_of("0123456789") == std::string_view::npos) {
        std::int64_t seconds = kLongestSeconds;  // stays so when there are too many digits
        std::from_chars(value.data(), value.data() + value.size(), seconds);
        return milliseconds(std::min(seconds, kLongestSeconds) * 1000);
    }
    const std::optional<std::int64_t> date = parse_http_date(value);
    if (!date) return std::nullopt;
    // Compared before it is subtracted: the date may be any number.
    if (*date <= now) return milliseconds(0);
    return milliseconds(std::min(*date - now, kLongestSeconds) * 1000);
}

std::optional<milliseconds> retry_delay(const RetryOptions& options, unsigned failures, const HttpResult& result) {
    if (failures > options.retries || !is_worth_retrying(result)) return std::nullopt;
    const milliseconds delay = backoff(options, failures);
    if (result.broken) return delay;
    const auto asked = parse_retry_after(result.response.header("retry-after"), std::time(nullptr));
    if (!asked) return delay;
    if (*asked > options.max_retry_after) return std::nullopt;
    return std::max(*asked, delay);
}

HttpResponse perform_with_retries(HttpClient& http, const HttpRequest& request) {
    for (unsigned failures = 1;; ++failures) {
        HttpResult result = std::move(http.perform_all(std::span(&request, 1)).front());
        const auto delay = retry_delay(http.options().retry, failures, result);
        if (delay) {
            std::this_thread::sleep_for(*delay);
            continue;
        }
        if (result.error != nullptr) std::rethrow_exception(result.error);
        return std::move(result.response);
    }
}

void HostRecord::blame(std::string_view url) { ++failures_[std::string(url_host(url))]; }

unsigned HostRecord::failures(std::string_view url) const {
    const auto it = failures_.find(url_host(url));
    return it == failures_.end() ? 0 : it->second;
}

}  // namespace smith
