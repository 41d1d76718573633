// SPDX-License-Identifier: Apache-2.0
#include "base/http_access.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/handle.h"
#include "base/http_access_curl.h"

namespace smith {

namespace {

using UrlHandle = std::unique_ptr<CURLU, FreeWith<curl_url_cleanup>>;
using CurlText = std::unique_ptr<char, FreeWith<curl_free>>;

std::string part_of(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
    const CurlText owner(text);
    std::string out = text;
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

// By libcurl's own parser, the one that decides where a request goes: another one might disagree with it about a
// hostile URL, and a password would go to the host that only libcurl saw.
UrlHandle parsed(std::string_view url) {
    UrlHandle handle(curl_url());
    if (handle && curl_url_set(handle.get(), CURLUPART_URL, std::string(url).c_str(), 0) != CURLUE_OK) handle.reset();
    return handle;
}

std::string origin_of(CURLU* url) {
    const std::string host = part_of(url, CURLUPART_HOST);
    return host.empty() ? host : part_of(url, CURLUPART_SCHEME) + "://" + host + ":" + part_of(url, CURLUPART_PORT);
}

template <typename Value>
void set(CURL* easy, CURLoption option, Value value, const char* what) {
    const CURLcode code = curl_easy_setopt(easy, option, value);
    if (code == CURLE_OK) return;
    throw Error(ErrorKind::system, std::string("libcurl can't use ") + what + ": " + curl_easy_strerror(code));
}

void set_tls(CURL* easy, const HttpAccess& access) {
    if (!access.verify_tls) {
        set(easy, CURLOPT_SSL_VERIFYPEER, 0L, "sslverify");
        set(easy, CURLOPT_SSL_VERIFYHOST, 0L, "sslverify");
    }
    if (!access.ca_file.empty()) set(easy, CURLOPT_CAINFO, access.ca_file.c_str(), "sslcacert");
    if (!access.ca_pem.empty()) {
        curl_blob blob{const_cast<char*>(access.ca_pem.data()), access.ca_pem.size(), CURL_BLOB_COPY};
        set(easy, CURLOPT_CAINFO_BLOB, &blob, "certificates of authorities");
    }
    if (!access.client_cert.empty()) set(easy, CURLOPT_SSLCERT, access.client_cert.c_str(), "sslclientcert");
    if (!access.client_key.empty()) set(easy, CURLOPT_SSLKEY, access.client_key.c_str(), "sslclientkey");
}

unsigned long curl_auth(ProxyAuth method) {
    switch (method) {
        case ProxyAuth::any: return CURLAUTH_ANY;
        case ProxyAuth::none: return CURLAUTH_NONE;
        case ProxyAuth::basic: return CURLAUTH_BASIC;
        case ProxyAuth::digest: return CURLAUTH_DIGEST;
        case ProxyAuth::digest_ie: return CURLAUTH_DIGEST_IE;
        case ProxyAuth::ntlm: return CURLAUTH_NTLM;
        case ProxyAuth::negotiate: return CURLAUTH_NEGOTIATE;
    }
    return CURLAUTH_ANY;
}

void set_proxy(CURL* easy, const HttpAccess& access) {
    if (access.proxy) set(easy, CURLOPT_PROXY, access.proxy->c_str(), "proxy");
    if (access.no_proxy) set(easy, CURLOPT_NOPROXY, access.no_proxy->c_str(), "no_proxy");
    if (access.proxy_username.empty() || access.proxy_auth == ProxyAuth::none) return;
    set(easy, CURLOPT_PROXYUSERNAME, access.proxy_username.reveal().c_str(), "proxy_username");
    set(easy, CURLOPT_PROXYPASSWORD, access.proxy_password.reveal().c_str(), "proxy_password");
    set(easy, CURLOPT_PROXYAUTH, static_cast<long>(curl_auth(access.proxy_auth)), "proxy_auth_method");
}

void set_patience(CURL* easy, const HttpAccess& access) {
    if (access.timeout_s) {
        set(easy, CURLOPT_CONNECTTIMEOUT, *access.timeout_s, "timeout");
        set(easy, CURLOPT_LOW_SPEED_TIME, *access.timeout_s, "timeout");
    }
    if (access.low_speed_bytes_per_s) set(easy, CURLOPT_LOW_SPEED_LIMIT, *access.low_speed_bytes_per_s, "minrate");
}

}  // namespace

std::string origin_of(std::string_view url) {
    const UrlHandle handle = parsed(url);
    return handle ? origin_of(handle.get()) : std::string();
}

std::string resolve_url(std::string_view base, std::string_view reference) {
    const UrlHandle handle = parsed(base);
    if (!handle || curl_url_set(handle.get(), CURLUPART_URL, std::string(reference).c_str(), 0) != CURLUE_OK) return {};
    char* text = nullptr;
    if (curl_url_get(handle.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) return {};
    const CurlText owner(text);
    return text;
}

const HttpCredential* credential_for(const HttpAccess& access, std::string_view url) {
    if (access.credentials.empty()) return nullptr;
    const UrlHandle handle = parsed(url);
    if (!handle || !part_of(handle.get(), CURLUPART_USER).empty()) return nullptr;
    const std::string origin = origin_of(handle.get());
    const std::string host = part_of(handle.get(), CURLUPART_HOST);
    for (const HttpCredential& one : access.credentials) {
        if (!one.where.empty() && (one.where == origin || one.where == host)) return &one;
    }
    return nullptr;
}

void apply_access(CURL* easy, const HttpAccess& access, const std::string& url) {
    set_tls(easy, access);
    set_proxy(easy, access);
    set_patience(easy, access);
    if (access.ip_version != IpVersion::any) {
        const long version = access.ip_version == IpVersion::v4 ? CURL_IPRESOLVE_V4 : CURL_IPRESOLVE_V6;
        set(easy, CURLOPT_IPRESOLVE, version, "ip_resolve");
    }
    // libcurl sends these to the host of `url` alone, and drops them when it is sent elsewhere.
    if (const HttpCredential* credential = credential_for(access, url)) {
        set(easy, CURLOPT_USERNAME, credential->username.reveal().c_str(), "username");
        set(easy, CURLOPT_PASSWORD, credential->password.reveal().c_str(), "password");
    }
}

}  // namespace smith
