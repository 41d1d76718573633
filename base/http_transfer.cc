// SPDX-License-Identifier: Apache-2.0
#include "base/http_transfer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/http_access_curl.h"

namespace smith::http {

namespace {

constexpr long kMaxRedirects = 10;
// What a person may want to read of an error page.
constexpr std::size_t kMaxErrorBodyBytes = 64 * 1024;
// Registries send some KiB at most; a stream of headers never ends otherwise.
constexpr std::size_t kMaxHeaderBytes = 256 * 1024;
// Before a redirect is followed libcurl reads its body to the end and throws it away. An honest one says "Moved", in
// HTML.
constexpr curl_off_t kMaxIgnoredBytes = 1024 * 1024;
// Of what is large, as much at a time: libcurl's own sizes (16 and 64 KiB) cost more system calls than the bytes do.
constexpr long kBufferBytes = 256 * 1024;

/// What a proxy says that makes no connection for us, which is not the server's answer; 0 when it does, or is none.
long refusal_of_proxy(CURL* easy) {
    long status = 0;
    static_cast<void>(curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status));
    return status >= 300 ? status : 0;
}

/// The other end of the connection: "192.0.2.1:3128".
std::string peer(CURL* easy) {
    const char* address = nullptr;
    long port = 0;
    static_cast<void>(curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address));
    static_cast<void>(curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port));
    return std::string(address == nullptr ? "" : address) + ":" + std::to_string(port);
}

/// What libcurl says starts upper-case, and may repeat bytes that a server sent.
std::string as_clause(std::string_view text) {
    std::string out;
    for (const char c : text) out += static_cast<unsigned char>(c) < 0x20U || c == 0x7f ? ' ' : c;
    if (out.size() > 1 && out[0] >= 'A' && out[0] <= 'Z' && out[1] >= 'a') out[0] = static_cast<char>(out[0] + 32);
    while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
    return out;
}

/// Failures that say nothing of the request, only of the moment. A certificate that is not trusted, a redirect that may
/// not be followed and an answer that is none will be the same the next time.
bool is_of_the_connection(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_CONNECT:
        case CURLE_PARTIAL_FILE:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM: return true;
        default: return false;
    }
}

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(easy, option, value);
    if (code != CURLE_OK)
        throw Error(ErrorKind::system, std::string("setting up libcurl: ") + curl_easy_strerror(code));
}

}  // namespace

std::string doing(const HttpRequest& request) { return request.method + " " + quote(redact_url(request.url)); }

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
    return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
               return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
           });
}

void Transfer::prepare(CURL* easy, const HttpOptions& options) {
    easy_ = easy;
    const bool secure = starts_with_ignoring_case(request_.url, "https://");
    if (!secure && !starts_with_ignoring_case(request_.url, "http://")) {
        throw Error(ErrorKind::fetch, doing(request_) + ": not an http or https URL");
    }
    set(easy, CURLOPT_URL, request_.url.c_str());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    // Never to file:// (it would be read with our rights), never from https to something that anybody may have written.
    set(easy, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, request_.follow_redirects ? 1L : 0L);
    set(easy, CURLOPT_MAXREDIRS, kMaxRedirects);
    set(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
    set(easy, CURLOPT_CONNECTTIMEOUT, options.connect_timeout_s);
    set(easy, CURLOPT_LOW_SPEED_LIMIT, options.low_speed_bytes_per_s);
    set(easy, CURLOPT_LOW_SPEED_TIME, options.low_speed_time_s);
    set(easy, CURLOPT_TIMEOUT, request_.max_seconds);
    // HTTP/2 where https agrees on it; a request waits for a connection that can take one more stream.
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(easy, CURLOPT_PIPEWAIT, 1L);
    set(easy, CURLOPT_ERRORBUFFER, message_.data());
    set(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(easy, CURLOPT_HEADERDATA, this);
    // Only faster with it; and libcurl refuses it for a handle whose last transfer ended in a refused redirect.
    if (request_.sink) static_cast<void>(curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kBufferBytes));
    set(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(easy, CURLOPT_WRITEDATA, this);
    set(easy, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    set(easy, CURLOPT_XFERINFODATA, this);
    set(easy, CURLOPT_NOPROGRESS, 0L);
    set(easy, CURLOPT_PRIVATE, this);
    while_doing([&] { return doing(request_); }, [&] { apply_access(easy, request_.access, request_.url); });
    set_method(easy);
    set_headers(easy);
}

void Transfer::set_method(CURL* easy) {
    if (request_.body) {
        // It may have been sent before, in vain.
        if (request_.body->rewind) request_.body->rewind();
        set(easy, CURLOPT_UPLOAD, 1L);
        static_cast<void>(curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes));
        set(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.body->size));
        set(easy, CURLOPT_READFUNCTION, &Transfer::on_read);
        set(easy, CURLOPT_READDATA, this);
        set(easy, CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
        set(easy, CURLOPT_SEEKDATA, this);
        set(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    } else if (request_.method == "HEAD") {
        set(easy, CURLOPT_NOBODY, 1L);
    } else if (request_.method == "POST" || request_.method == "PUT" || request_.method == "PATCH") {
        // Says Content-Length: 0, without which some servers answer 411.
        set(easy, CURLOPT_POSTFIELDS, "");
        set(easy, CURLOPT_POSTFIELDSIZE, 0L);
        set(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    } else if (request_.method != "GET") {
        set(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    }
}

void Transfer::set_headers(CURL* easy) {
    const auto append = [this](const char* line) {
        curl_slist* longer = curl_slist_append(headers_.get(), line);
        if (longer == nullptr) throw Error(ErrorKind::system, "setting up libcurl: out of memory");
        static_cast<void>(headers_.release());
        headers_.reset(longer);
    };
    for (const std::string& header : request_.headers) {
        if (header.find_first_of("\r\n") != std::string::npos) {
            throw Error(ErrorKind::usage, doing(request_) + ": a header may not hold a line break");
        }
        append(header.c_str());
    }
    // "100-continue" costs a second with servers that don't know it; type and form are the caller's business.
    append("Expect:");
    if (!request_.body && request_.method != "GET") append("Content-Type:");
    set(easy, CURLOPT_HTTPHEADER, headers_.get());
}

std::size_t Transfer::on_header(char* bytes, std::size_t size, std::size_t count, void* self) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        transfer.header_bytes_ += size * count;
        if (transfer.header_bytes_ > kMaxHeaderBytes) {
            transfer.fail(Error(ErrorKind::fetch, doing(transfer.request_) + ": the answer's header never ends"));
            return 0;
        }
        transfer.add_header(std::string_view(bytes, size * count));
        return size * count;
    } catch (...) {
        transfer.result_.error = std::current_exception();
        return 0;
    }
}

void Transfer::add_header(std::string_view line) {
    auto& headers = result_.response.headers;
    if (line.starts_with("HTTP/")) {  // of another answer: after a redirect, or "100 Continue"
        headers.clear();
        return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && static_cast<unsigned char>(value.back()) <= ' ') value.remove_suffix(1);
    std::string& held = headers[name];
    if (!held.empty()) held += ", ";  // RFC 9110, "Field Order"
    held += value;
}

std::size_t Transfer::on_body(char* bytes, std::size_t size, std::size_t count, void* self) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        long status = 0;
        static_cast<void>(curl_easy_getinfo(transfer.easy_, CURLINFO_RESPONSE_CODE, &status));
        const auto view = std::as_bytes(std::span(bytes, size * count));
        const bool go_on = status >= 200 && status < 300 ? transfer.add_body(view) : transfer.add_error_body(view);
        return go_on ? size * count : 0;
    } catch (...) {
        transfer.result_.error = std::current_exception();
        return 0;
    }
}

bool Transfer::add_body(std::span<const std::byte> bytes) {
    HttpResponse& response = result_.response;
    if (!std::exchange(started_, true) && request_.on_start) {
        static_cast<void>(curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &response.status));
        request_.on_start(response);
    }
    if (bytes.size() > request_.max_bytes - response.received) {
        fail(Error(ErrorKind::integrity, doing(request_) + ": the answer is longer than the " +
                                             std::to_string(request_.max_bytes) + " bytes that it may have"));
        return false;
    }
    response.received += bytes.size();
    if (request_.sink) {
        request_.sink(bytes);
    } else {
        // std::byte and char may look at the same memory.
        response.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    if (request_.on_progress) request_.on_progress(response.received);
    return true;
}

bool Transfer::add_error_body(std::span<const std::byte> bytes) {
    std::string& body = result_.response.body;
    const std::size_t wanted = std::min(bytes.size(), kMaxErrorBodyBytes - body.size());
    body.append(reinterpret_cast<const char*>(bytes.data()), wanted);
    cut_error_body_ = wanted < bytes.size();
    return !cut_error_body_;
}

/// Sees what on_body() does not get.
int Transfer::on_progress(void* self, curl_off_t /*total*/, curl_off_t now, curl_off_t, curl_off_t) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        const auto given = static_cast<curl_off_t>(
            std::max<std::uint64_t>(transfer.result_.response.received, transfer.result_.response.body.size()));
        if (now - given <= kMaxIgnoredBytes) return 0;
        transfer.fail(Error(ErrorKind::fetch, doing(transfer.request_) + ": the redirect's body never ends"));
    } catch (...) {
        transfer.result_.error = std::current_exception();
    }
    return 1;
}

std::size_t Transfer::on_read(char* bytes, std::size_t size, std::size_t count, void* self) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        return transfer.request_.body->read(std::as_writable_bytes(std::span(bytes, size * count)));
    } catch (...) {
        transfer.result_.error = std::current_exception();
        return CURL_READFUNC_ABORT;
    }
}

int Transfer::on_seek(void* self, curl_off_t offset, int origin) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        if (offset != 0 || origin != SEEK_SET || !transfer.request_.body->rewind) return CURL_SEEKFUNC_CANTSEEK;
        transfer.request_.body->rewind();
        return CURL_SEEKFUNC_OK;
    } catch (...) {
        transfer.result_.error = std::current_exception();
        return CURL_SEEKFUNC_FAIL;
    }
}

void Transfer::finish(CURL* easy, CURLcode code) {
    HttpResponse& response = result_.response;
    static_cast<void>(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &response.status));
    const char* url = nullptr;
    if (curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK && url != nullptr) response.url = url;
    if (result_.error != nullptr) return;
    if (code == CURLE_OK || cut_error_body_) {
        try {
            if (request_.on_done) request_.on_done(response);
        } catch (...) {
            result_.error = std::current_exception();
        }
        return;
    }
    if (const long status = refusal_of_proxy(easy); status != 0) {
        // Who may not pass now may not in a moment; but the server behind it may be away for one.
        result_.broken = status >= 500;
        fail(Error(ErrorKind::fetch,
                   doing(request_) + ": the proxy at " + peer(easy) + ": the proxy says " + std::to_string(status)));
        return;
    }
    result_.broken = is_of_the_connection(code);
    std::string detail = as_clause(message_[0] != '\0' ? std::string_view(message_.data()) : curl_easy_strerror(code));
    // Its buffer for one of them has 100 KiB, and what does not fit it calls so.
    if (code == CURLE_OUT_OF_MEMORY) detail += ", or a header that is too long";
    fail(Error(ErrorKind::fetch, doing(request_) + ": " + detail));
}

}  // namespace smith::http
