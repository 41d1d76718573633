// SPDX-License-Identifier: Apache-2.0
//
// Whether a token server may be asked, and be told a password. A registry names it in its challenge ("realm"), so that
// a hostile or hijacked one can name anything: a server of its own, to collect passwords; a machine of our network that
// only we can reach (169.254.169.254, the metadata of clouds); plain http, for whoever listens.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace smith::ocilayout {

/// Two hosts of one owner, as the Public Suffix List (publicsuffix.org) has it: auth.example.com and
/// registry.example.com are, a.github.io and b.github.io are not, nor are numbers. Ports don't matter.
[[nodiscard]] bool is_same_site(std::string_view host, std::string_view other);

/// Throws Error (fetch) unless `realm` is a URL of https - or of http, where the registry is asked by http itself -
/// whose host is the registry's, one of the same site, docker.io's own one, or one of `trusted` ("HOST" or
/// "HOST:PORT"). `registry` is the URL that answered with the challenge: "https://host:port/...".
void check_token_realm(std::string_view realm, std::string_view registry, std::span<const std::string> trusted);

}  // namespace smith::ocilayout
