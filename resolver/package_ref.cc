// SPDX-License-Identifier: Apache-2.0
#include "resolver/package_ref.h"

#include <algorithm>

#include "base/bounds.h"
#include "base/error.h"

namespace smith::resolver {

namespace {

Error refusal(std::string_view location, std::string_view why) {
    return {ErrorKind::format, "location " + quote(location) + " " + std::string(why)};
}

std::size_t hex_digits_of(std::string_view algorithm) {
    if (algorithm == "md5") return 32;
    if (algorithm == "sha1") return 40;
    if (algorithm == "sha224") return 56;
    if (algorithm == "sha256") return 64;
    if (algorithm == "sha384") return 96;
    if (algorithm == "sha512") return 128;
    throw Error(ErrorKind::format, "unknown checksum type " + quote(algorithm));
}

/// ".." as it is, and as a server would decode it: "%2e%2E", ".%2e".
bool is_dotdot(std::string_view component) {
    std::string plain;
    for (std::size_t i = 0; i < component.size(); ++i) {
        const std::string_view three = component.substr(i, 3);
        if (three == "%2e" || three == "%2E") {
            plain += '.';
            i += 2;
        } else {
            plain += component[i];
        }
    }
    return plain == "..";
}

}  // namespace

void check_location(std::string_view location) {
    if (location.empty()) throw refusal(location, "is empty");
    if (location.size() > limits::kMaxPathBytes) throw refusal(location, "is too long");
    if (location.front() == '/') throw refusal(location, "is absolute, and must be relative to its repository");
    // RFC 3986: a colon before the first slash ends a scheme. (rpm file names hold none: epochs are left out of them.)
    if (location.substr(0, location.find('/')).find(':') != std::string_view::npos) {
        throw refusal(location, "names another place, and must be relative to its repository");
    }
    for (const char c : location) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20U || byte == 0x7fU || c == '\\') throw refusal(location, "holds a byte that no URL may have");
    }
    // "%2f" is a slash to some servers: what is behind it counts as a component of its own.
    std::size_t start = 0;
    while (start <= location.size()) {
        const std::size_t end = std::min(
            {location.find('/', start), location.find("%2f", start), location.find("%2F", start), location.size()});
        if (is_dotdot(location.substr(start, end - start))) throw refusal(location, "leaves its repository by '..'");
        start = end + (end < location.size() && location[end] == '%' ? 3 : 1);
    }
}

Checksum make_checksum(std::string_view algorithm, std::string_view hex) {
    if (algorithm == "sha") algorithm = "sha1";
    const bool is_hex = hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    if (hex.size() != hex_digits_of(algorithm) || !is_hex) {
        throw Error(ErrorKind::format, quote(hex) + " is not a " + std::string(algorithm) + " checksum");
    }
    return {std::string(algorithm), std::string(hex)};
}

bool is_strong(const Checksum& checksum) {
    return checksum.algorithm == "sha256" || checksum.algorithm == "sha384" || checksum.algorithm == "sha512";
}

}  // namespace smith::resolver
