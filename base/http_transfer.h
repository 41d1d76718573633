// SPDX-License-Identifier: Apache-2.0
//
// One HTTP request as libcurl sees it: its options, and the callbacks that hold an answer to its bounds. Part of
// base/http.cc, and of interest to nobody else.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/handle.h"
#include "base/http.h"

namespace smith::http {

/// "GET '<URL without secrets>'"
[[nodiscard]] std::string doing(const HttpRequest& request);
[[nodiscard]] bool starts_with_ignoring_case(std::string_view text, std::string_view lower);

/// One request on its way. Its address is known to libcurl: never moved.
class Transfer {
public:
    Transfer(const HttpRequest& request, HttpResult& result) : request_(request), result_(result) {}

    void prepare(CURL* easy, const HttpOptions& options);
    void finish(CURL* easy, CURLcode code);
    [[nodiscard]] const HttpRequest& request() const { return request_; }

private:
    static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self) noexcept;
    static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self) noexcept;
    static std::size_t on_read(char* bytes, std::size_t size, std::size_t count, void* self) noexcept;
    static int on_progress(void* self, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t) noexcept;
    static int on_seek(void* self, curl_off_t offset, int origin) noexcept;

    void set_method(CURL* easy);
    void set_headers(CURL* easy);
    void add_header(std::string_view line);
    bool add_body(std::span<const std::byte> bytes);
    bool add_error_body(std::span<const std::byte> bytes);
    void fail(Error error) { result_.error = std::make_exception_ptr(std::move(error)); }

    const HttpRequest& request_;
    HttpResult& result_;
    CURL* easy_ = nullptr;
    std::unique_ptr<curl_slist, FreeWith<curl_slist_free_all>> headers_;
    std::array<char, CURL_ERROR_SIZE> message_{};
    std::size_t header_bytes_ = 0;
    bool cut_error_body_ = false;
    bool started_ = false;
};

}  // namespace smith::http
