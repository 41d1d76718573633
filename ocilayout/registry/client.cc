// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/client.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <span>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/json_fields.h"
#include "ocilayout/registry/certs_d.h"
#include "ocilayout/registry/memory.h"
#include "ocilayout/registry/proxy.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

// The first refusal says what is wanted, a second one that a token ran out meanwhile.
constexpr int kMaxAuthRounds = 3;
// Of one registry in one run.
constexpr std::size_t kMaxWarnings = 20;

bool is_loopback(std::string_view host) {
    return host.starts_with("localhost:") || host == "localhost" || host.starts_with("127.") ||
           host.starts_with("[::1]");
}

std::vector<std::string> schemes_for(const RegistryPlace& place) {
    if (!place.insecure) return {"https"};
    // A TLS greeting means nothing to a plain server, and some wait for the rest of it; a TLS server refuses a plain
    // request at once. Elsewhere than here the safer way round comes first nevertheless.
    if (is_loopback(place.host) && place.host.find(':') != std::string::npos) return {"http", "https"};
    return {"https", "http"};
}

HttpOptions http_options(const RegistryOptions& options) {
    HttpOptions out;
    out.retry = options.retry;
    out.parallel = 1;
    return out;
}

HttpAccess access_to(const RegistryPlace& place, const RegistryOptions& options) {
    HttpAccess out;
    out.verify_tls = !place.insecure;
    add_certificates(out, place.host, options.cert_dir);
    return out;
}

RegistryPlace with_option(RegistryPlace place, const RegistryOptions& options) {
    place.insecure = place.insecure || options.insecure;
    return place;
}

/// One request that another thread can take back while it is on its way.
class OneRequest : public HttpSource {
public:
    OneRequest(const HttpRequest& request, const std::atomic<bool>* cancelled)
        : request_(request), cancelled_(cancelled) {}

    const HttpRequest* next(const HasRoom& /*has_room*/) override {
        return std::exchange(given_, true) ? nullptr : &request_;
    }
    void finished(const HttpRequest& /*request*/, HttpResult outcome) override { result = std::move(outcome); }
    // Asked again and again while the request is on its way.
    std::optional<std::chrono::milliseconds> pause() override {
        if (cancelled_ != nullptr && *cancelled_) throw Cancelled{};
        return std::nullopt;
    }

    HttpResult result;

private:
    const HttpRequest& request_;
    const std::atomic<bool>* cancelled_;
    bool given_ = false;
};

void sleep_unless_cancelled(std::chrono::milliseconds time, const std::atomic<bool>* cancelled) {
    const auto end = std::chrono::steady_clock::now() + time;
    for (auto now = std::chrono::steady_clock::now(); now < end; now = std::chrono::steady_clock::now()) {
        if (cancelled != nullptr && *cancelled) throw Cancelled{};
        std::this_thread::sleep_for(
            std::min(std::chrono::duration_cast<std::chrono::milliseconds>(end - now) + std::chrono::milliseconds(1),
                     std::chrono::milliseconds(200)));
    }
}

/// distribution-spec, "Error Codes": what the registry itself says, as far as it is for people.
std::string spoken(const std::string& body) {
    std::string out;
    try {
        const json document = parse_json(body);
        const json* errors = find_field(document, "errors");
        if (errors == nullptr || !errors->is_array()) return {};
        for (const json& one : *errors) {
            if (out.size() > 500) break;
            const std::string code = optional_string(one, "code");
            const std::string message = optional_string(one, "message");
            out += (out.empty() ? "" : "; ") + escaped(code) + (message.empty() ? "" : ": " + escaped(message));
        }
    } catch (const Error&) {
        // A page of some proxy in between.
        return {};
    }
    return out;
}

}  // namespace

/// A connection for as long as a call lasts.
class RegistryClient::Lease {
public:
    explicit Lease(RegistryClient& owner) : owner_(owner) {
        const std::lock_guard lock(owner_.mutex_);
        if (!owner_.idle_.empty()) {
            http_ = std::move(owner_.idle_.back());
            owner_.idle_.pop_back();
        }
        if (!http_) http_ = std::make_unique<HttpClient>(http_options(owner_.options_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
        const std::lock_guard lock(owner_.mutex_);
        owner_.idle_.push_back(std::move(http_));
    }
    HttpClient& http() { return *http_; }

private:
    RegistryClient& owner_;
    std::unique_ptr<HttpClient> http_;
};

RegistryClient::RegistryClient(RegistryPlace place, const RegistryOptions& options, RegistryAction least)
    : place_(with_option(std::move(place), options)),
      options_(options),
      least_(least),
      access_(access_to(place_, options)),
      auth_(place_, options, access_),
      schemes_(schemes_for(place_)) {
    const RegistryMemory known = recall_registry(options_.cache_dir, place_.host);
    has_referrers_api_ = known.has_referrers_api;
    if (!known.realm.empty()) auth_.expect_token_server(base_url(), known.realm, known.service);
}

RegistryClient::~RegistryClient() {
    auto [realm, service] = auth_.token_server();
    remember_registry(options_.cache_dir, place_.host, {std::move(realm), std::move(service), has_referrers_api_});
}

std::optional<bool> RegistryClient::has_referrers_api() const {
    const std::lock_guard lock(mutex_);
    return has_referrers_api_;
}

void RegistryClient::found_referrers_api(bool is_there) {
    const std::lock_guard lock(mutex_);
    has_referrers_api_ = is_there;
}

std::size_t RegistryClient::requests() { return requests_ + (auth_.token_server().first.empty() ? 0 : 1); }

std::string RegistryClient::name() const {
    return place_.host + (place_.repository.empty() ? "" : "/" + place_.repository);
}

std::string RegistryClient::base_url() {
    const std::lock_guard lock(mutex_);
    const std::string root = schemes_.front() + "://" + api_host(place_.host) + "/v2/";
    return place_.repository.empty() ? root : root + place_.repository + "/";
}

/// True when the other scheme is worth a try: only where that was allowed, and only until one has worked.
bool RegistryClient::use_other_scheme(const HttpResult& result) {
    const std::lock_guard lock(mutex_);
    if (schemes_.size() < 2) return false;
    // Who has answered is spoken to as it should be. 400 is what servers of TLS say to a plain request.
    const std::string current = schemes_.front();
    const long status = result.response.status;
    const bool is_wrong = status == 0 ? result.broken : current == "http" && status == 400;
    if (is_wrong) {
        schemes_.erase(schemes_.begin());
    } else {
        schemes_ = {current};
    }
    return is_wrong;
}

TokenScope RegistryClient::scope_of(const RegistryCall& call) const {
    return {std::max(call.scope.action, least_), call.scope.mount_from};
}

void RegistryClient::tell(const HttpRequest& request, const HttpResult& result) {
    Reporter* reporter = options_.reporter;
    if (reporter == nullptr || result.error != nullptr) return;
    reporter->debug(request.method + " " + quote(redact_url(request.url)) + ": " +
                    std::to_string(result.response.status));
    const std::string warning = result.response.header("warning");
    // distribution-spec, "Warnings": 299 - "text".
    const std::size_t start = warning.find("299 - \"");
    if (start == std::string::npos) return;
    const std::string text = warning.substr(start + 7, warning.rfind('"') - start - 7);
    {
        const std::lock_guard lock(mutex_);
        if (told_.size() >= kMaxWarnings || !told_.insert(text).second) return;
    }
    reporter->warn("registry " + quote(place_.host) + " says: " + escaped(text));
}

HttpResult RegistryClient::perform(HttpClient& http, const RegistryCall& call, std::string& authorization) {
    HttpRequest request = call.request;
    const std::string base = base_url();
    const bool is_relative = request.url.find("://") == std::string::npos;
    if (is_relative) request.url = base + request.url;
    request.access = access_;
    add_proxy(request.access, request.url);
    if (call.request.access.timeout_s) request.access.timeout_s = call.request.access.timeout_s;
    const bool is_document = !request.sink && (request.method == "GET" || request.method == "HEAD");
    if (is_document) request.max_seconds = options_.max_seconds_for_document;
    authorization.clear();
    if (origin_of(request.url) == origin_of(base)) {
        authorization = auth_.header(scope_of(call), http);
        if (!authorization.empty()) request.headers.push_back("Authorization: " + authorization);
    } else if (request.url.find('@') < request.url.find('/', request.url.find("://") + 3)) {
        throw Error(ErrorKind::fetch, "registry " + quote(place_.host) + " sends us to a URL with a user in it");
    }
    ++requests_;
    OneRequest one(request, call.cancelled);
    http.run(one);
    tell(request, one.result);
    return std::move(one.result);
}

HttpResult RegistryClient::try_call(const RegistryCall& call) {
    Lease lease(*this);
    for (int round = 0;;) {
        std::string authorization;
        HttpResult result = perform(lease.http(), call, authorization);
        if (use_other_scheme(result)) continue;
        if (result.error != nullptr || result.response.status != 401) return result;
        // A redirect led to somebody else, who has nothing to ask us; or an upload goes on there.
        if (origin_of(result.response.url) != origin_of(base_url())) return result;
        if (++round == kMaxAuthRounds) return result;
        auth_.answer(result.response, authorization, scope_of(call), lease.http());
    }
}

HttpResponse RegistryClient::call(const RegistryCall& call) {
    for (unsigned failures = 1;; ++failures) {
        HttpResult result = try_call(call);
        const auto delay =
            call.may_repeat && !call.request.sink ? retry_delay(options_.retry, failures, result) : std::nullopt;
        if (delay) {
            sleep_unless_cancelled(*delay, call.cancelled);
            continue;
        }
        if (result.error != nullptr) std::rethrow_exception(result.error);
        if (result.response.status == 401) throw refusal(call, result.response);
        return std::move(result.response);
    }
}

Error RegistryClient::refusal(const RegistryCall& call, const HttpResponse& response) const {
    const long status = response.status;
    std::string message = call.request.method + " " + quote(redact_url(response.url)) +
                          (status == 407 ? ": the proxy says " : ": the registry says ") + std::to_string(status);
    const std::string said = spoken(response.body);
    if (!said.empty()) {
        message += " (" + said + ")";
    } else if (status >= 300 && status < 400) {
        message += ", a redirect that leads nowhere";
    } else if (status == 404) {
        message += " (not found)";
    } else if (status == 429) {
        message += " (too many requests)";
    }
    if (const std::string after = response.header("retry-after"); !after.empty()) {
        message += ", and to come back after " + quote(after);
    }
    if (status == 401 || status == 403) {
        message += "; either it is not there, or 'smith login " + place_.host + "' as somebody who may do that helps";
    }
    return {ErrorKind::fetch, message};
}

std::string RegistryClient::location(const HttpResponse& response, const std::string& reference) const {
    const std::string said = "registry " + quote(place_.host) + " sends us to " + quote(redact_url(reference));
    std::string url = reference.empty() ? std::string() : resolve_url(response.url, reference);
    // What is added to it must not end up in a fragment.
    url.resize(std::min(url.size(), url.find('#')));
    const bool was_secure = origin_of(response.url).starts_with("https://");
    const std::string origin = origin_of(url);
    if (origin.empty() || !(url.starts_with("http://") || url.starts_with("https://"))) {
        throw Error(ErrorKind::fetch, said + ", which is no URL to go on with");
    }
    if (!was_secure || url.starts_with("https://")) return url;
    // A proxy in front of it does the TLS, of which it knows nothing itself. Its own host is meant, by https.
    std::string secure = "https" + url.substr(4);
    if (url_host(secure) == url_host(response.url)) return secure;
    throw Error(ErrorKind::fetch, said + ", which is not https any more");
}

}  // namespace smith::ocilayout
