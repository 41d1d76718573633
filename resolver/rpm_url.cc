// SPDX-License-Identifier: Apache-2.0
#include "resolver/rpm_url.h"

#include <algorithm>

#include "base/error.h"
#include "base/url_text.h"

namespace smith::resolver {

namespace {

Error wrong(std::string_view text, std::string_view why) {
    // It may be a password that is wrong here.
    return {ErrorKind::format, quote(redact_url(text)) + " " + std::string(why)};
}

bool has_odd_bytes(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~' || c == '\\' || c == '"'; });
}

Digest parse_fragment(std::string_view text, std::string_view fragment) {
    constexpr std::string_view key = "sha256=";
    try {
        if (fragment.starts_with(key)) return Digest::from_hex(fragment.substr(key.size()));
    } catch (const Error&) {  // told below
    }
    throw wrong(text, "ends in something else than '#sha256=' and 64 hexadecimal digits");
}

}  // namespace

bool is_rpm_url(std::string_view request) {
    const std::size_t scheme = request.find("://");
    // Names of images may end in anything.
    if (scheme == std::string_view::npos || request.starts_with("docker://")) return false;
    return request.substr(0, request.find_first_of("?#")).ends_with(".rpm");
}

bool is_remote_rpm(std::string_view request) { return is_rpm_url(request) && !request.starts_with("file://"); }

RpmUrl parse_rpm_url(std::string_view text) {
    if (has_odd_bytes(text)) throw wrong(text, "holds a byte that no URL may have; percent-encode it");
    RpmUrl out;
    const std::size_t hash = text.find('#');
    out.url = text.substr(0, hash);
    if (hash != std::string_view::npos) out.sha256 = parse_fragment(text, text.substr(hash + 1));
    if (out.url.find('?') != std::string::npos) {
        throw wrong(text, "has a query, which the lock and the image would publish: name a URL without one");
    }
    if (out.url.starts_with("file:///")) return out;
    const bool is_http = out.url.starts_with("http://");
    if (!is_http && !out.url.starts_with("https://")) throw wrong(text, "is no https, http or file URL");
    if (url_host(out.url).empty()) throw wrong(text, "names no host");
    if (out.url.substr(0, out.url.find('/', out.url.find("://") + 3)).find('@') != std::string::npos) {
        throw wrong(text, "holds a user, which the lock and the image would publish: netrc is the place for it");
    }
    if (is_http && !out.sha256) {
        throw wrong(text,
                    "is fetched without TLS, so that nothing vouches for its bytes: say which they are, as "
                    "http://...rpm#sha256=..., or name an https URL");
    }
    return out;
}

}  // namespace smith::resolver
