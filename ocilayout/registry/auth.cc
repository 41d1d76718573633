// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/auth.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/bounds.h"
#include "ocilayout/json_fields.h"
#include "ocilayout/registry/auth_challenge.h"
#include "ocilayout/registry/certs_d.h"
#include "ocilayout/registry/proxy.h"
#include "ocilayout/registry/token_realm.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;
using std::chrono::seconds;

// What the token specification has for a server that does not say.
constexpr std::int64_t kDefaultLifetime = 60;
// Longer than any token lasts; keeps the arithmetic from overflowing.
constexpr std::int64_t kLongestLifetime = 7 * 24 * 3600;
// A token that ends while its request is on the way is no use.
constexpr std::int64_t kSafety = 5;

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (plain.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += {'%', digits[byte >> 4U], digits[byte & 15U]};
        }
    }
    return out;
}

HttpBody body_of(std::string text) {
    auto held = std::make_shared<std::string>(std::move(text));
    auto at = std::make_shared<std::size_t>(0);
    HttpBody body;
    body.size = held->size();
    body.read = [held, at](std::span<std::byte> buffer) {
        const std::size_t count = std::min(buffer.size(), held->size() - *at);
        std::memcpy(buffer.data(), held->data() + *at, count);
        *at += count;
        return count;
    };
    body.rewind = [at] { *at = 0; };
    return body;
}

struct TokenAnswer {
    std::string token;
    std::int64_t lifetime = kDefaultLifetime;
};

/// Messages hold nothing of it: it may be a token, put in the wrong place.
TokenAnswer parse_token_answer(const std::string& text) {
    TokenAnswer out;
    try {
        const json document = parse_json(text);
        out.token = optional_string(document, "token");
        if (out.token.empty()) out.token = optional_string(document, "access_token");
        const std::int64_t lifetime = optional_integer(document, "expires_in");
        if (lifetime > 0) out.lifetime = std::min(lifetime, kLongestLifetime);
    } catch (const Error&) {
        throw Error(ErrorKind::fetch, "the token server does not answer with a token");
    }
    const auto fits = [](char c) { return c > ' ' && c < 0x7f; };
    if (out.token.empty() || !std::ranges::all_of(out.token, fits)) {
        throw Error(ErrorKind::fetch, "the token server does not answer with a token");
    }
    return out;
}

std::string host_and_port(const std::string& url) { return std::string(url_host(url)); }

}  // namespace

RegistryAuth::RegistryAuth(RegistryPlace place, RegistryOptions options, HttpAccess access)
    : place_(std::move(place)), options_(std::move(options)), access_(std::move(access)) {}

void RegistryAuth::refuse(const std::string& why) const {
    throw Error(ErrorKind::fetch, "registry " + quote(place_.host) + " " + why);
}

const std::optional<FoundCredential>& RegistryAuth::credential() {
    if (!std::exchange(looked_for_credential_, true)) {
        credential_ = credential_for_registry(place_.host, place_.repository, options_);
        if (credential_ && options_.reporter != nullptr) {
            options_.reporter->debug("credentials for " + quote(place_.host) + " are from " +
                                     quote(credential_->where));
        }
    }
    return credential_;
}

std::string RegistryAuth::header(const TokenScope& scope, HttpClient& http) {
    const std::lock_guard lock(mutex_);
    return header_locked(scope, http);
}

std::string RegistryAuth::header_locked(const TokenScope& scope, HttpClient& http) {
    if (is_expected_only_) {
        try {
            return "Bearer " + token_for(scope, http).text.reveal();
        } catch (const Error&) {
            // Perhaps it has another one today, or needs none any more.
            realm_.clear();
            is_expected_only_ = false;
        }
    }
    if (!realm_.empty()) return "Bearer " + token_for(scope, http).text.reveal();
    if (is_basic_) return "Basic " + basic_credentials(credential()->credential);
    return {};
}

void RegistryAuth::answer(const HttpResponse& refusal, const std::string& used, const TokenScope& scope,
                          HttpClient& http) {
    const std::lock_guard lock(mutex_);
    // Another thread was refused the same and has seen to it already.
    if (used != header_locked(scope, http)) return;
    const std::vector<AuthChallenge> challenges = parse_challenges(refusal.header("www-authenticate"));
    if (const AuthChallenge* bearer = find_challenge(challenges, "bearer")) {
        const std::string realm = bearer->param("realm");
        check_token_realm(realm, refusal.url, options_.trusted_realms);
        realm_ = realm;
        service_ = bearer->param("service");
        is_expected_only_ = false;
        tokens_.erase(scope);
        static_cast<void>(token_for(scope, http));
        return;
    }
    if (find_challenge(challenges, "basic") != nullptr) {
        const std::string advice = "; 'smith login " + place_.host + "' remembers one";
        if (!credential()) refuse("wants a user and a password" + advice);
        if (credential()->credential.username.empty()) {
            refuse("wants a user and a password, and " + quote(credential()->where) + " has a token");
        }
        if (is_basic_) refuse("does not accept the user and password from " + quote(credential()->where));
        is_basic_ = true;
        return;
    }
    if (challenges.empty()) refuse("wants to know who asks, and does not say how to tell");
    refuse("wants an authentication that is not understood here: " + quote(challenges.front().scheme));
}

const RegistryAuth::Token& RegistryAuth::token_for(const TokenScope& scope, HttpClient& http) {
    const auto it = tokens_.find(scope);
    if (it != tokens_.end() && Clock::now() < it->second.expires) return it->second;
    return tokens_.insert_or_assign(scope, fetch_token(scope, http)).first->second;
}

RegistryAuth::Token RegistryAuth::fetch_token(const TokenScope& scope, HttpClient& http) {
    if (credential() && !credential_is_bad_) {
        if (auto token = ask_token_server(scope, &credential()->credential, http)) return std::move(*token);
        const std::string who = "the token server does not accept the credentials from " + quote(credential()->where);
        // What is public can be had with an old password lying about, but not by somebody who insists on a new one.
        if (options_.login || scope.action != RegistryAction::pull) refuse("sent us to its token server: " + who);
        credential_is_bad_ = true;
        if (options_.reporter != nullptr) options_.reporter->warn(who + ", ignoring");
    }
    if (auto token = ask_token_server(scope, nullptr, http)) return std::move(*token);
    refuse("wants to know who asks; 'smith login " + place_.host + "' remembers a user and a password");
}

std::vector<std::string> RegistryAuth::scope_words(const TokenScope& scope) const {
    const auto actions = [&]() -> std::string {
        switch (scope.action) {
            case RegistryAction::pull: return "pull";
            case RegistryAction::push: return "pull,push";
            case RegistryAction::remove: return "pull,delete";
        }
        return "pull";
    };
    // What a login tests: no repository at all.
    if (place_.repository.empty()) return {};
    std::vector<std::string> out{"repository:" + place_.repository + ":" + actions()};
    if (!scope.mount_from.empty()) out.push_back("repository:" + scope.mount_from + ":pull");
    return out;
}

HttpRequest RegistryAuth::token_request(const TokenScope& scope, const Credential* as) {
    HttpRequest request;
    request.access = access_;
    add_proxy(request.access, realm_);
    if (const std::string host = host_and_port(realm_); host != api_host(place_.host)) {
        add_certificates(request.access, host, {});
    }
    // Who may be asked was decided for this URL, not for where it might send us.
    request.follow_redirects = false;
    request.max_bytes = limits::kMaxTokenBytes;
    request.max_seconds = options_.max_seconds_for_document;
    const std::vector<std::string> words = scope_words(scope);
    if (as != nullptr && !as->identity_token.empty()) {
        request.method = "POST";
        request.url = realm_;
        request.headers = {"Content-Type: application/x-www-form-urlencoded"};
        std::string form = "grant_type=refresh_token&client_id=smith&service=" + percent_encoded(service_) +
                           "&refresh_token=" + percent_encoded(as->identity_token.reveal());
        std::string joined;
        for (const std::string& word : words) joined += (joined.empty() ? "" : " ") + word;
        if (!joined.empty()) form += "&scope=" + percent_encoded(joined);
        request.body = body_of(std::move(form));
        return request;
    }
    request.url = realm_;
    const auto add = [&](const std::string& name, const std::string& value) {
        request.url += (request.url.find('?') == std::string::npos ? "?" : "&") + name + "=" + percent_encoded(value);
    };
    if (!service_.empty()) add("service", service_);
    for (const std::string& word : words) add("scope", word);
    if (as != nullptr) {
        add("account", as->username.reveal());
        request.headers.push_back("Authorization: Basic " + basic_credentials(*as));
    }
    return request;
}

/// Nothing when the server does not accept `as`.
std::optional<RegistryAuth::Token> RegistryAuth::ask_token_server(const TokenScope& scope, const Credential* as,
                                                                  HttpClient& http) {
    const HttpRequest request = token_request(scope, as);
    return while_doing([&] { return "getting a token for " + quote(place_.host); },
                       [&]() -> std::optional<Token> {
                           const HttpResponse response = perform_with_retries(http, request);
                           if (options_.reporter != nullptr) {
                               options_.reporter->debug(request.method + " " + quote(redact_url(request.url)) + ": " +
                                                        std::to_string(response.status));
                           }
                           if (response.status == 401 || response.status == 403) return std::nullopt;
                           // An identity token that is no longer good.
                           if (response.status == 400 && as != nullptr) return std::nullopt;
                           check_ok(request, response);
                           const TokenAnswer answer = parse_token_answer(response.body);
                           const auto lifetime = seconds(std::max(answer.lifetime - kSafety, std::int64_t{1}));
                           return Token{Secret(answer.token), Clock::now() + lifetime};
                       });
}

std::pair<std::string, std::string> RegistryAuth::token_server() {
    const std::lock_guard lock(mutex_);
    return {realm_, service_};
}

void RegistryAuth::expect_token_server(const std::string& registry, std::string realm, std::string service) {
    try {
        check_token_realm(realm, registry, options_.trusted_realms);
    } catch (const Error&) {
        return;
    }
    const std::lock_guard lock(mutex_);
    realm_ = std::move(realm);
    service_ = std::move(service);
    is_expected_only_ = true;
}

}  // namespace smith::ocilayout
