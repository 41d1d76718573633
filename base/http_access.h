// SPDX-License-Identifier: Apache-2.0
//
// How a server is reached, and as whom: TLS, proxy, credentials, patience. What a repository's configuration says about
// its connections, in terms of HTTP.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace smith {

/// A user of one server. It is bound to that server here, so that no mirror, key server or redirect can get it.
struct HttpCredential {
    /// What origin_of() says ("https://host:443"), or a host's name alone: then of any scheme and port, as in netrc.
    std::string where;
    Secret username;
    Secret password;

    bool operator==(const HttpCredential&) const = default;
};

enum class ProxyAuth { any, none, basic, digest, digest_ie, ntlm, negotiate };
enum class IpVersion { any, v4, v6 };

struct HttpAccess {
    bool verify_tls = true;   ///< of the server's certificate, both who signed it and for which host it is
    std::string ca_file;      ///< PEM; "": the system's
    std::string ca_pem;       ///< certificates themselves, as PEM; besides the system's where it keeps them in a folder
    std::string client_cert;  ///< PEM; "": none
    std::string client_key;   ///< PEM; "": in client_cert
    /// A URL; "": a direct connection; nothing: what http_proxy, https_proxy and no_proxy of the environment say.
    std::optional<std::string> proxy;
    /// Hosts that no proxy is asked for, as in no_proxy, which this takes the place of; nothing: what that says.
    std::optional<std::string> no_proxy;
    Secret proxy_username;
    Secret proxy_password;
    ProxyAuth proxy_auth = ProxyAuth::any;
    std::vector<HttpCredential> credentials;  ///< the first that fits a request's URL; one in the URL itself wins
    IpVersion ip_version = IpVersion::any;
    /// These two instead of those of HttpOptions: for connecting, and of being slower than what follows.
    std::optional<long> timeout_s;
    std::optional<long> low_speed_bytes_per_s;

    bool operator==(const HttpAccess&) const = default;
};

/// "https://host:443": scheme, host and port of `url` in lower case, as libcurl itself takes it apart; "" for what is
/// no URL with a host.
[[nodiscard]] std::string origin_of(std::string_view url);

/// Where `reference`, a URL or a part of one (RFC 3986, "Relative Resolution"), leads from `base`; "" for what is none.
[[nodiscard]] std::string resolve_url(std::string_view base, std::string_view reference);

/// The credential of `access` for `url`; null when there is none, or when the URL has one of its own.
[[nodiscard]] const HttpCredential* credential_for(const HttpAccess& access, std::string_view url);

}  // namespace smith
