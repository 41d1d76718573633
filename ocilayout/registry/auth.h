// SPDX-License-Identifier: Apache-2.0
//
// What a registry is told about who asks: nothing, until it asks back; then a token of its token server (distribution's
// "Token Authentication Specification"), for this repository and no more than is to be done there, or user and
// password.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/http.h"
#include "ocilayout/registry/credentials.h"
#include "ocilayout/registry/options.h"
#include "ocilayout/registry/registries_conf.h"

namespace smith::ocilayout {

enum class RegistryAction { pull, push, remove };

/// What a token is for.
struct TokenScope {
    RegistryAction action = RegistryAction::pull;
    std::string mount_from;  ///< another repository of the registry, to be read; mostly empty
    auto operator<=>(const TokenScope&) const = default;
};

/// For one repository. Thread-safe.
class RegistryAuth {
public:
    /// `access`: how the registry is reached; a token server is reached likewise.
    RegistryAuth(RegistryPlace place, RegistryOptions options, HttpAccess access);

    /// The value of Authorization; empty as long as the registry has not asked. May ask the token server, by `http`.
    [[nodiscard]] std::string header(const TokenScope& scope, HttpClient& http);

    /// `refusal` is a 401 to a request that had `used` for header(). Afterwards header() is worth another try. Throws
    /// Error (fetch) when it isn't: who should do what about it.
    void answer(const HttpResponse& refusal, const std::string& used, const TokenScope& scope, HttpClient& http);

    /// The token server that is known: realm and service; empty for none.
    [[nodiscard]] std::pair<std::string, std::string> token_server();
    /// What is likely to be asked for, so that it need not be asked first. Forgotten when it is of no use, or may not
    /// be asked. `registry`: the URL of the registry.
    void expect_token_server(const std::string& registry, std::string realm, std::string service);

private:
    using Clock = std::chrono::steady_clock;
    struct Token {
        Secret text;
        Clock::time_point expires;
    };

    const std::optional<FoundCredential>& credential();
    std::string header_locked(const TokenScope& scope, HttpClient& http);
    const Token& token_for(const TokenScope& scope, HttpClient& http);
    Token fetch_token(const TokenScope& scope, HttpClient& http);
    std::optional<Token> ask_token_server(const TokenScope& scope, const Credential* as, HttpClient& http);
    HttpRequest token_request(const TokenScope& scope, const Credential* as);
    [[nodiscard]] std::vector<std::string> scope_words(const TokenScope& scope) const;
    [[noreturn]] void refuse(const std::string& why) const;

    RegistryPlace place_;
    RegistryOptions options_;
    HttpAccess access_;
    std::mutex mutex_;
    bool is_basic_ = false;
    std::string realm_;  ///< checked; empty: no token server known
    std::string service_;
    bool is_expected_only_ = false;  ///< nobody has asked for it in this run
    bool looked_for_credential_ = false;
    bool credential_is_bad_ = false;
    std::optional<FoundCredential> credential_;
    std::map<TokenScope, Token> tokens_;
};

}  // namespace smith::ocilayout
