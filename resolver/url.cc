// SPDX-License-Identifier: Apache-2.0
#include "resolver/url.h"

#include <array>

#include "base/digest.h"
#include "base/error.h"
#include "base/fd.h"

namespace smith::resolver {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
        if (low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// RFC 3986 allows these in a path; '%' stays, because metadata may be encoded already.
bool is_path_char(char c) {
    constexpr std::string_view others = "-._~!$&'()*+,;=:@/%";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
}

}  // namespace

std::optional<std::filesystem::path> local_path(std::string_view url) {
    constexpr std::string_view scheme = "file://";
    if (!url.starts_with(scheme)) return std::nullopt;
    std::string path = percent_decoded(url.substr(scheme.size()));
    if (!path.starts_with('/') || path.find('\0') != std::string::npos) {
        throw Error(ErrorKind::format, quote(url) + " is not of the form file:///path");
    }
    return path;
}

std::string join_url(std::string_view baseurl, std::string_view location) {
    std::string out(baseurl);
    const bool is_file = baseurl.starts_with("file://");
    for (const char c : location) {
        // In a file:// URL '%' is decoded again by local_path(); a repository on disk means the name as it stands.
        if (is_path_char(c) && !(is_file && c == '%')) {
            out += c;
        } else {
            const std::array<std::uint8_t, 1> byte{static_cast<std::uint8_t>(c)};
            out += "%" + to_hex(byte);
        }
    }
    return out;
}

std::string read_url(const std::string& url, std::uint64_t max_bytes, const HttpAccess& access, HttpClient& http) {
    if (const auto path = local_path(url)) {
        return while_doing([&] { return "reading " + quote(redact_url(url)); },
                           [&] {
                               try {
                                   return read_file(*path, max_bytes);
                               } catch (const Error& e) {
                                   throw Error(ErrorKind::fetch, e.message());
                               }
                           });
    }
    HttpRequest request;
    request.url = url;
    request.access = access;
    request.max_bytes = max_bytes;
    request.max_seconds = kMaxSecondsForDocument;
    HttpResponse response = perform_with_retries(http, request);
    check_ok(request, response);
    return std::move(response.body);
}

}  // namespace smith::resolver
