// SPDX-License-Identifier: Apache-2.0
#include "base/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

#include "base/handle.h"

namespace smith {

namespace {

constexpr long kMaxRedirects = 10;
// What a person may want to read of an error page.
constexpr std::size_t kMaxErrorBodyBytes = 64 * 1024;
// Registries send some KiB at most; a stream of headers never ends otherwise.
constexpr std::size_t kMaxHeaderBytes = 256 * 1024;

using EasyHandle = std::unique_ptr<CURL, FreeWith<curl_easy_cleanup>>;
using MultiHandle = std::unique_ptr<CURLM, FreeWith<curl_multi_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, FreeWith<curl_slist_free_all>>;

void init_curl() {
    static std::once_flag once;
    std::call_once(once, [] { static_cast<void>(curl_global_init(CURL_GLOBAL_DEFAULT)); });
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
    return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
               return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
           });
}

/// "user@host:port" without the user: what counts as one host for the number of connections.
std::string_view authority_of(std::string_view url) {
    const std::size_t start = url.find("://");
    if (start == std::string_view::npos) return {};
    url.remove_prefix(start + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    const std::size_t at = url.rfind('@');
    return at == std::string_view::npos ? url : url.substr(at + 1);
}

std::string doing(const HttpRequest& request) { return request.method + " " + quote(redact_url(request.url)); }

/// What libcurl says starts upper-case, and may repeat bytes that a server sent.
std::string as_clause(std::string_view text) {
    std::string out;
    for (const char c : text) out += static_cast<unsigned char>(c) < 0x20U || c == 0x7f ? ' ' : c;
    if (out.size() > 1 && out[0] >= 'A' && out[0] <= 'Z' && out[1] >= 'a') out[0] = static_cast<char>(out[0] + 32);
    while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
    return out;
}

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
    HeaderList headers_;
    std::array<char, CURL_ERROR_SIZE> message_{};
    std::size_t header_bytes_ = 0;
    bool cut_error_body_ = false;
};

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(easy, option, value);
    if (code != CURLE_OK)
        throw Error(ErrorKind::system, std::string("setting up libcurl: ") + curl_easy_strerror(code));
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
    set(easy, CURLOPT_ERRORBUFFER, message_.data());
    set(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(easy, CURLOPT_HEADERDATA, this);
    set(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(easy, CURLOPT_WRITEDATA, this);
    set(easy, CURLOPT_PRIVATE, this);
    set_method(easy);
    set_headers(easy);
}

void Transfer::set_method(CURL* easy) {
    if (request_.body) {
        set(easy, CURLOPT_UPLOAD, 1L);
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
    const std::string_view detail = message_[0] != '\0' ? std::string_view(message_.data()) : curl_easy_strerror(code);
    fail(Error(ErrorKind::fetch, doing(request_) + ": " + as_clause(detail)));
}

}  // namespace

struct HttpClient::State {
    explicit State(HttpOptions given) : options(std::move(given)) {
        init_curl();
        multi.reset(curl_multi_init());
        if (!multi) throw Error(ErrorKind::system, "setting up libcurl: out of memory");
    }

    EasyHandle take_handle() {
        EasyHandle handle;
        if (idle.empty()) {
            handle.reset(curl_easy_init());
        } else {
            handle = std::move(idle.back());
            idle.pop_back();
        }
        if (!handle) throw Error(ErrorKind::system, "setting up libcurl: out of memory");
        return handle;
    }

    HttpOptions options;
    MultiHandle multi;  // holds the open connections
    std::vector<EasyHandle> idle;
};

namespace {

/// The transfers of one perform_all(). Its destructor detaches what is still under way.
class Batch {
public:
    Batch(HttpOptions& options, CURLM* multi, std::span<const HttpRequest> requests, std::vector<HttpResult>& results)
        : options_(options), multi_(multi) {
        for (std::size_t i = 0; i < requests.size(); ++i) waiting_.emplace_back(&requests[i], &results[i]);
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch() {
        for (Active& active : active_) static_cast<void>(curl_multi_remove_handle(multi_, active.handle.get()));
    }

    template <typename TakeHandle, typename GiveBack>
    void run(TakeHandle&& take_handle, GiveBack&& give_back) {
        while (!waiting_.empty() || !active_.empty()) {
            start_some(take_handle);
            int running = 0;
            check(curl_multi_perform(multi_, &running));
            collect(give_back);
            if (running > 0) check(curl_multi_poll(multi_, nullptr, 0, 1000, nullptr));
        }
    }

private:
    struct Active {
        EasyHandle handle;
        std::unique_ptr<Transfer> transfer;
        std::string host;
    };

    static void check(CURLMcode code) {
        if (code != CURLM_OK) throw Error(ErrorKind::system, std::string("libcurl: ") + curl_multi_strerror(code));
    }

    template <typename TakeHandle>
    void start_some(TakeHandle&& take_handle) {
        for (auto it = waiting_.begin(); it != waiting_.end() && active_.size() < options_.parallel;) {
            const std::string host(authority_of(it->first->url));
            const auto same_host =
                std::count_if(active_.begin(), active_.end(), [&](const Active& a) { return a.host == host; });
            if (same_host >= static_cast<std::ptrdiff_t>(options_.parallel_per_host)) {
                ++it;
                continue;
            }
            Active active{take_handle(), std::make_unique<Transfer>(*it->first, *it->second), host};
            HttpResult& result = *it->second;
            it = waiting_.erase(it);
            try {
                active.transfer->prepare(active.handle.get(), options_);
            } catch (...) {
                result.error = std::current_exception();
                continue;
            }
            check(curl_multi_add_handle(multi_, active.handle.get()));
            active_.push_back(std::move(active));
        }
    }

    template <typename GiveBack>
    void collect(GiveBack&& give_back) {
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL* easy = message->easy_handle;
            const CURLcode code = message->data.result;
            const auto it = std::find_if(active_.begin(), active_.end(),
                                         [&](const Active& active) { return active.handle.get() == easy; });
            check(curl_multi_remove_handle(multi_, easy));
            it->transfer->finish(easy, code);
            curl_easy_reset(easy);
            give_back(std::move(it->handle));
            active_.erase(it);
        }
    }

    HttpOptions& options_;
    CURLM* multi_;
    std::deque<std::pair<const HttpRequest*, HttpResult*>> waiting_;
    std::vector<Active> active_;
};

}  // namespace

HttpClient::HttpClient(HttpOptions options) : state_(std::make_unique<State>(std::move(options))) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

std::vector<HttpResult> HttpClient::perform_all(std::span<const HttpRequest> requests) {
    std::vector<HttpResult> results(requests.size());
    Batch batch(state_->options, state_->multi.get(), requests, results);
    batch.run([this] { return state_->take_handle(); },
              [this](EasyHandle handle) { state_->idle.push_back(std::move(handle)); });
    return results;
}

HttpResponse HttpClient::perform(const HttpRequest& request) {
    std::vector<HttpResult> results = perform_all(std::span(&request, 1));
    if (results[0].error != nullptr) std::rethrow_exception(results[0].error);
    return std::move(results[0].response);
}

std::string HttpResponse::header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? std::string() : it->second;
}

void check_ok(const HttpRequest& request, const HttpResponse& response) {
    if (response.ok()) return;
    std::string message = doing(request) + ": the server says " + std::to_string(response.status);
    if (response.status >= 300 && response.status < 400) message += ", a redirect that leads nowhere";
    if (response.status == 404) message += " (not found)";
    throw Error(ErrorKind::fetch, message);
}

std::string redact_url(std::string_view url) {
    const std::size_t scheme = url.find("://");
    const std::size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
    const std::string_view rest = url.substr(start, url.find_first_of("?#", start) - start);
    const std::size_t slash = rest.find('/');
    const std::size_t at = rest.substr(0, slash).rfind('@');
    return std::string(url.substr(0, start)) + std::string(at == std::string_view::npos ? rest : rest.substr(at + 1));
}

}  // namespace smith
