// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/token_realm.h"

#include <libpsl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/http.h"

namespace smith::ocilayout {

namespace {

/// Registries whose token server is another owner's, by their own documentation.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kKnownRealms = {{
    {"registry-1.docker.io", "auth.docker.io"},
    {"lscr.io", "ghcr.io"},
}};

struct Origin {
    std::string scheme;
    std::string host;
    std::string port;
};

/// By libcurl's parser, which decides where the request goes.
Origin parse_origin(std::string_view url) {
    const std::string text = origin_of(url);
    const std::size_t scheme_end = text.find("://");
    const std::size_t port = text.rfind(':');
    if (scheme_end == std::string::npos || port <= scheme_end) return {};
    return {text.substr(0, scheme_end), text.substr(scheme_end + 3, port - scheme_end - 3), text.substr(port + 1)};
}

bool is_number(std::string_view host) {
    // The last label of an IPv4 address is a number in every spelling that there is (127.1, 0x7f.1, 2130706433).
    const std::string_view last = host.substr(host.rfind('.') + 1);
    return host.starts_with('[') ||
           (!last.empty() && last.find_first_not_of("0123456789abcdefx") == std::string::npos && last.front() >= '0' &&
            last.front() <= '9');
}

bool is_trusted(const Origin& realm, std::span<const std::string> trusted) {
    return std::ranges::any_of(
        trusted, [&](const std::string& one) { return one == realm.host || one == realm.host + ":" + realm.port; });
}

bool is_known(const Origin& realm, const Origin& registry) {
    return std::ranges::any_of(
        kKnownRealms, [&](const auto& known) { return known.first == registry.host && known.second == realm.host; });
}

}  // namespace

bool is_same_site(std::string_view host, std::string_view other) {
    if (host == other) return true;
    if (is_number(host) || is_number(other)) return false;
    const auto site = [](std::string_view name) {
        const std::string text(name);  // `found` points into it
        const char* found = psl_registrable_domain(psl_builtin(), text.c_str());
        return found == nullptr ? std::string() : std::string(found);
    };
    const std::string mine = site(host);
    return !mine.empty() && mine == site(other);
}

void check_token_realm(std::string_view realm, std::string_view registry, std::span<const std::string> trusted) {
    const Origin to = parse_origin(realm);
    const Origin from = parse_origin(registry);
    const auto refuse = [&](const std::string& why) {
        throw Error(ErrorKind::fetch, "registry " + quote(from.host) + " wants the token server " +
                                          quote(redact_url(realm)) + " to be asked: " + why);
    };
    if (to.host.empty()) refuse("that is not a URL");
    if (realm.find('@') < realm.find('/', realm.find("://") + 3)) refuse("it holds a user, which it may not");
    const bool plain_to_plain = to.scheme == "http" && from.scheme == "http";
    if (to.scheme != "https" && !plain_to_plain) refuse("it is not https, so that anybody could listen");
    if (is_trusted(to, trusted) || is_known(to, from) || is_same_site(to.host, from.host)) return;
    refuse("it is on another host, which would get the password; '--trust-realm " + escaped(to.host) +
           "' allows it, if you know it to be right");
}

}  // namespace smith::ocilayout
