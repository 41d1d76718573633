// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/proxy.h"

#include <cstdlib>
#include <string>

namespace smith::ocilayout {

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : value;
}

}  // namespace

void add_proxy(HttpAccess& access, std::string_view url) {
    std::string named = environment("no_proxy");
    if (named.empty()) named = environment("NO_PROXY");
    // libcurl knows a star that stands alone.
    if (named != "*") access.no_proxy = named + (named.empty() ? "" : ",") + "localhost,127.0.0.0/8,::1";
    // A web server gives its programs what a visitor sends as "Proxy:" under this name (CVE-2016-5385).
    if (!url.starts_with("http://") || std::getenv("REQUEST_METHOD") != nullptr) return;
    const std::string plain = environment("HTTP_PROXY");
    if (!plain.empty() && environment("http_proxy").empty()) access.proxy = plain;
}

}  // namespace smith::ocilayout
