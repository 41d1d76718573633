// SPDX-License-Identifier: Apache-2.0
#include "base/url_text.h"

namespace smith {

std::string_view url_host(std::string_view url) {
    const std::size_t start = url.find("://");
    if (start == std::string_view::npos) return {};
    url.remove_prefix(start + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    const std::size_t at = url.rfind('@');
    return at == std::string_view::npos ? url : url.substr(at + 1);
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
