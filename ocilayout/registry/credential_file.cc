// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/credential_file.h"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/json_fields.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string encode_base64(std::string_view bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t j = 0; j < 3; ++j) {
            group = (group << 8U) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            out += j <= count ? kAlphabet[(group >> (18U - 6U * j)) & 63U] : '=';
        }
    }
    return out;
}

Credential parse_auth(const json& entry) {
    Credential out;
    out.identity_token = Secret(optional_string(entry, "identitytoken"));
    out.username = Secret(optional_string(entry, "username"));
    out.password = Secret(optional_string(entry, "password"));
    const std::string auth = optional_string(entry, "auth");
    if (auth.empty()) return out;
    const std::optional<std::string> decoded = decode_base64(auth);
    const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos) {
        throw Error(ErrorKind::format, "its 'auth' is not the base64 of USER:PASSWORD");
    }
    std::string password = decoded->substr(colon + 1);
    // Some versions of docker padded it.
    while (!password.empty() && password.back() == '\0') password.pop_back();
    out.username = Secret(decoded->substr(0, colon));
    out.password = Secret(std::move(password));
    return out;
}

/// "https://HOST/v1/" and the like as "HOST".
std::string_view host_of_key(std::string_view key) {
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (!key.starts_with(scheme)) continue;
        key.remove_prefix(scheme.size());
        break;
    }
    key = key.substr(0, key.find('/'));
    return key == "index.docker.io" || key == "registry-1.docker.io" ? "docker.io" : key;
}

const Credential* entry_of(const CredentialFile& file, const std::string& key) {
    const auto it = file.auths.find(key);
    return it == file.auths.end() || it->second.empty() ? nullptr : &it->second;
}

/// A document that is worth to be written again.
json parse_document(std::string_view text) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return json::object();
    json document;
    try {
        document = parse_json(text);
    } catch (const Error&) {
        // What the parser says quotes what it read.
        throw Error(ErrorKind::format, "it is not JSON");
    }
    if (!document.is_object()) throw Error(ErrorKind::format, "it is not an object");
    return document;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    std::string out;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const std::size_t value = kAlphabet.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out += static_cast<char>((bits >> count) & 0xffU);
    }
    return count >= 6 ? std::nullopt : std::optional(out);
}

std::string basic_credentials(const Credential& credential) {
    return encode_base64(credential.username.reveal() + ":" + credential.password.reveal());
}

CredentialFile parse_credential_file(std::string_view text, bool legacy) {
    const json document = parse_document(text);
    CredentialFile out;
    const json* auths = legacy ? &document : find_field(document, "auths");
    if (auths != nullptr && !auths->is_object()) throw Error(ErrorKind::format, "its 'auths' is not an object");
    if (auths != nullptr) {
        for (const auto& [key, entry] : auths->items()) {
            if (!entry.is_object()) continue;
            const std::string& name = key;
            const json& value = entry;
            out.auths[name] =
                while_doing([&] { return "the entry for " + quote(name); }, [&] { return parse_auth(value); });
        }
    }
    if (legacy) return out;
    out.cred_helpers = string_map(document, "credHelpers");
    out.creds_store = optional_string(document, "credsStore");
    return out;
}

const Credential* find_credential(const CredentialFile& file, std::string_view host, std::string_view repository) {
    std::string key = std::string(host) + (repository.empty() ? "" : "/" + std::string(repository));
    for (;;) {
        if (const Credential* found = entry_of(file, key)) return found;
        const std::size_t slash = key.rfind('/');
        if (slash == std::string::npos) break;
        key.resize(slash);
    }
    for (const auto& [name, credential] : file.auths) {
        const bool is_url = name.find("://") != std::string::npos || name.find("/v1") != std::string::npos ||
                            name.find('/') == std::string::npos;
        if (is_url && host_of_key(name) == host && !credential.empty()) return &credential;
    }
    return nullptr;
}

std::optional<std::string> edit_credential_file(std::string_view text, const std::string& host,
                                                const Credential& credential) {
    json document = parse_document(text);
    json& auths = document["auths"];
    if (auths.is_null()) auths = json::object();
    if (!auths.is_object()) throw Error(ErrorKind::format, "its 'auths' is not an object");
    if (credential.empty()) {
        std::vector<std::string> gone;
        for (const auto& [key, entry] : auths.items()) {
            const bool is_path = key.find("://") == std::string::npos && key.find('/') != std::string::npos;
            if (!is_path && host_of_key(key) == host) gone.push_back(key);
        }
        if (gone.empty()) return std::nullopt;
        for (const std::string& key : gone) auths.erase(key);
    } else {
        auths[host] = json{{"auth", basic_credentials(credential)}};
    }
    return dump_json_pretty(document);
}

}  // namespace smith::ocilayout
