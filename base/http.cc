// SPDX-License-Identifier: Apache-2.0
#include "base/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <ctime>
#include <mutex>
#include <numeric>
#include <utility>

#include "base/handle.h"
#include "base/http_transfer.h"

namespace smith {

namespace {

using EasyHandle = std::unique_ptr<CURL, FreeWith<curl_easy_cleanup>>;
using MultiHandle = std::unique_ptr<CURLM, FreeWith<curl_multi_cleanup>>;

void init_curl() {
    static std::once_flag once;
    std::call_once(once, [] { static_cast<void>(curl_global_init(CURL_GLOBAL_DEFAULT)); });
}

}  // namespace

struct HttpClient::State {
    explicit State(HttpOptions given) : options(std::move(given)) {}

    EasyHandle take_handle() {
        set_up();
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

    void give_back(EasyHandle handle) {
        curl_easy_reset(handle.get());
        idle.push_back(std::move(handle));
    }

    HttpOptions options;
    HostRecord hosts;
    MultiHandle multi;  // holds the open connections
    std::vector<EasyHandle> idle;

private:
    /// For the first request: many a client is made for a build that makes none.
    void set_up() {
        if (multi) return;
        init_curl();
        multi.reset(curl_multi_init());
        if (!multi) throw Error(ErrorKind::system, "setting up libcurl: out of memory");
    }
};

namespace {

/// The transfers of one run(). Its destructor detaches what is still under way.
template <typename State>
class Batch {
public:
    Batch(State& state, HttpSource& source) : state_(state), source_(source) {}
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch() {
        for (const auto& active : active_) {
            static_cast<void>(curl_multi_remove_handle(state_.multi.get(), active->handle.get()));
        }
    }

    void run() {
        for (;;) {
            const bool all_taken = start_some();
            const auto pause = all_taken ? source_.pause() : std::nullopt;
            if (active_.empty() && !pause) return;
            int running = 0;
            check(curl_multi_perform(state_.multi.get(), &running));
            // Waits also when there is nothing to wait for but the time.
            if (!collect()) wait(pause);
        }
    }

private:
    struct Active {
        Active(EasyHandle given, const HttpRequest& request)
            : handle(std::move(given)), transfer(request, result), host(url_host(request.url)) {}
        EasyHandle handle;
        HttpResult result;
        http::Transfer transfer;
        std::string host;
    };

    static void check(CURLMcode code) {
        if (code != CURLM_OK) throw Error(ErrorKind::system, std::string("libcurl: ") + curl_multi_strerror(code));
    }

    void wait(std::optional<std::chrono::milliseconds> pause) {
        constexpr std::chrono::milliseconds longest{1000};
        const auto time = std::clamp(pause.value_or(longest), std::chrono::milliseconds(0), longest);
        check(curl_multi_poll(state_.multi.get(), nullptr, 0, static_cast<int>(time.count()), nullptr));
    }

    [[nodiscard]] bool has_room(std::string_view url) const {
        const auto same = std::count_if(active_.begin(), active_.end(),
                                        [host = url_host(url)](const auto& active) { return active->host == host; });
        return same < static_cast<std::ptrdiff_t>(state_.options.parallel_per_host);
    }

    /// True when the source has no more at the moment; false when we have no hands free.
    bool start_some() {
        const HttpSource::HasRoom room = [this](std::string_view url) { return has_room(url); };
        while (active_.size() < state_.options.parallel) {
            const HttpRequest* request = source_.next(room);
            if (request == nullptr) return true;
            auto active = std::make_unique<Active>(state_.take_handle(), *request);
            try {
                active->transfer.prepare(active->handle.get(), state_.options);
            } catch (...) {
                active->result.error = std::current_exception();
                source_.finished(*request, std::move(active->result));
                continue;
            }
            check(curl_multi_add_handle(state_.multi.get(), active->handle.get()));
            active_.push_back(std::move(active));
        }
        return false;
    }

    /// True when something ended.
    bool collect() {
        bool any = false;
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(state_.multi.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL* easy = message->easy_handle;
            const CURLcode code = message->data.result;
            const auto it = std::find_if(active_.begin(), active_.end(),
                                         [&](const auto& active) { return active->handle.get() == easy; });
            check(curl_multi_remove_handle(state_.multi.get(), easy));
            const std::unique_ptr<Active> done = std::move(*it);
            active_.erase(it);
            done->transfer.finish(easy, code);
            state_.give_back(std::move(done->handle));
            source_.finished(done->transfer.request(), std::move(done->result));
            any = true;
        }
        return any;
    }

    State& state_;
    HttpSource& source_;
    std::vector<std::unique_ptr<Active>> active_;  // libcurl knows their addresses
};

/// Requests that are all known from the start.
class ListSource : public HttpSource {
public:
    explicit ListSource(std::span<const HttpRequest> requests)
        : results(requests.size()), requests_(requests), waiting_(requests.size()) {
        std::iota(waiting_.begin(), waiting_.end(), std::size_t{0});
    }

    const HttpRequest* next(const HasRoom& has_room) override {
        const auto it = std::find_if(waiting_.begin(), waiting_.end(),
                                     [&](std::size_t index) { return has_room(requests_[index].url); });
        if (it == waiting_.end()) return nullptr;
        const HttpRequest* request = &requests_[*it];
        waiting_.erase(it);
        return request;
    }
    void finished(const HttpRequest& request, HttpResult result) override {
        results[static_cast<std::size_t>(&request - requests_.data())] = std::move(result);
    }
    std::optional<std::chrono::milliseconds> pause() override { return std::nullopt; }

    std::vector<HttpResult> results;

private:
    std::span<const HttpRequest> requests_;
    std::vector<std::size_t> waiting_;
};

}  // namespace

HttpClient::HttpClient(HttpOptions options) : state_(std::make_unique<State>(std::move(options))) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

const HttpOptions& HttpClient::options() const noexcept { return state_->options; }
HostRecord& HttpClient::hosts() noexcept { return state_->hosts; }

void HttpClient::run(HttpSource& source) { Batch(*state_, source).run(); }

std::vector<HttpResult> HttpClient::perform_all(std::span<const HttpRequest> requests) {
    ListSource source(requests);
    run(source);
    return std::move(source.results);
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
    const bool asked_for_a_part = std::any_of(request.headers.begin(), request.headers.end(), [](const auto& header) {
        return http::starts_with_ignoring_case(header, "range:");
    });
    if (response.status == 206 && !asked_for_a_part) {
        throw Error(ErrorKind::fetch, http::doing(request) + ": the server sends a part where all was asked for");
    }
    if (response.ok()) return;
    std::string message = http::doing(request) + (response.status == 407 ? ": the proxy says " : ": the server says ") +
                          std::to_string(response.status);
    if (response.status >= 300 && response.status < 400) message += ", a redirect that leads nowhere";
    if (response.status == 404) message += " (not found)";
    if (response.status == 429) message += " (too many requests)";
    if (const std::string after = response.header("retry-after"); !after.empty()) {
        message += ", and to come back after " + quote(after);
    }
    throw Error(ErrorKind::fetch, message);
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
    const std::time_t time = curl_getdate(std::string(text).c_str(), nullptr);
    return time == -1 ? std::nullopt : std::optional<std::int64_t>(time);
}

}  // namespace smith
