// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/name.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace smith::ocilayout {

namespace {

constexpr std::string_view kDockerHub = "docker.io";
constexpr std::size_t kMaxTagBytes = 128;
// Of the repository, as distribution has it.
constexpr std::size_t kMaxNameBytes = 255;
// DNS's bound on a whole name, and a port.
constexpr std::size_t kMaxHostBytes = 253 + 6;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }

[[noreturn]] void refuse(std::string_view whole, const std::string& why) {
    throw Error(ErrorKind::usage, "image name " + quote(whole) + ": " + why);
}

/// [a-z0-9]+ runs, joined by one '.', one or two '_', or any number of '-'.
bool is_path_component(std::string_view text) {
    const auto is_run = [](char c) { return is_digit(c) || is_lower(c); };
    if (text.empty() || !is_run(text.front()) || !is_run(text.back())) return false;
    for (std::size_t i = 0; i < text.size();) {
        std::size_t end = i;
        if (is_run(text[i])) {
            ++i;
            continue;
        }
        while (end < text.size() && text[end] == text[i]) ++end;
        const std::size_t count = end - i;
        const bool fits = (text[i] == '.' && count == 1) || (text[i] == '_' && count <= 2) || text[i] == '-';
        if (!fits || (end < text.size() && !is_run(text[end]))) return false;
        i = end;
    }
    return true;
}

bool is_domain(std::string_view text) {
    if (text.empty()) return false;
    while (!text.empty()) {
        const std::size_t dot = text.find('.');
        const std::string_view label = text.substr(0, dot);
        const auto fits = [](char c) { return is_word(c) || c == '-'; };
        if (label.empty() || label.front() == '-' || label.back() == '-' || !std::ranges::all_of(label, fits)) {
            return false;
        }
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
    return false;  // it ended in a dot
}

bool is_bracketed_ipv6(std::string_view text) {
    const auto fits = [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':';
    };
    return text.size() >= 4 && text.front() == '[' && text.back() == ']' &&
           std::ranges::all_of(text.substr(1, text.size() - 2), fits);
}

bool is_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

bool is_host(std::string_view text) {
    if (text.size() > kMaxHostBytes) return false;
    const std::size_t bracket = text.find(']');
    const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    const std::string_view name = text.substr(0, colon);
    if (colon != std::string_view::npos && !is_port(text.substr(colon + 1))) return false;
    return is_domain(name) || is_bracketed_ipv6(name);
}

bool looks_like_host(std::string_view first) {
    return first == "localhost" || first.find_first_of(".:") != std::string_view::npos;
}

std::string normal_host(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; });
    return out == "index.docker.io" ? std::string(kDockerHub) : out;
}

/// Takes "@DIGEST" off the end of `rest`.
std::optional<Digest> take_digest(std::string_view whole, std::string_view& rest) {
    const std::size_t at = rest.find('@');
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view text = rest.substr(at + 1);
    rest = rest.substr(0, at);
    return while_doing([&] { return "image name " + quote(whole); }, [&] { return Digest::parse(text); });
}

/// Takes ":TAG" off the end; a colon before the last '/' belongs to a port.
std::string take_tag(std::string_view whole, std::string_view& rest) {
    const std::size_t slash = rest.rfind('/');
    const std::size_t colon = rest.find(':', slash == std::string_view::npos ? 0 : slash);
    if (colon == std::string_view::npos) return {};
    const std::string_view tag = rest.substr(colon + 1);
    if (!is_registry_tag(tag)) {
        refuse(whole, quote(tag) +
                          " is not a tag (letters, digits, '_', '.', '-'; at most 128; not beginning with '.' "
                          "or '-')");
    }
    rest = rest.substr(0, colon);
    return std::string(tag);
}

std::string checked_host(std::string_view whole, std::string_view host) {
    if (!is_host(host)) refuse(whole, quote(host) + " is not HOST or HOST:PORT");
    return normal_host(host);
}

}  // namespace

bool is_registry_tag(std::string_view text) {
    const auto fits = [](char c) { return is_word(c) || c == '_' || c == '.' || c == '-'; };
    return !text.empty() && text.size() <= kMaxTagBytes && text.front() != '.' && text.front() != '-' &&
           std::ranges::all_of(text, fits);
}

bool is_repository_name(std::string_view text) {
    if (text.size() > kMaxNameBytes) return false;
    for (;;) {
        const std::size_t slash = text.find('/');
        if (!is_path_component(text.substr(0, slash))) return false;
        if (slash == std::string_view::npos) return true;
        text.remove_prefix(slash + 1);
    }
}

RegistryName parse_registry_name(std::string_view text) {
    RegistryName out;
    std::string_view rest = text;
    // Without the text: what stands there is a password.
    if (text.find('@') < text.find('/') && text.find('/') != std::string_view::npos) {
        throw Error(ErrorKind::usage,
                    "an image's name holds no user and password; 'smith login' and --creds have them");
    }
    out.digest = take_digest(text, rest);
    const std::size_t slash = rest.find('/');
    const bool has_host = slash != std::string_view::npos && looks_like_host(rest.substr(0, slash));
    out.host = has_host ? checked_host(text, rest.substr(0, slash)) : std::string(kDockerHub);
    if (has_host) rest.remove_prefix(slash + 1);
    out.tag = take_tag(text, rest);
    out.repository = rest;
    if (out.host == kDockerHub && out.repository.find('/') == std::string::npos) {
        out.repository.insert(0, "library/");
    }
    if (rest.empty()) refuse(text, "it names no repository; HOST/NAME[:TAG] is what is expected");
    if (!is_repository_name(out.repository)) {
        refuse(text, quote(rest) +
                         " is not the name of a repository (lower-case letters and digits, with '.', '_', "
                         "'-' or '/' between them)");
    }
    return out;
}

std::string to_string(const RegistryName& name) {
    std::string out = name.full_repository();
    if (!name.tag.empty()) out += ":" + name.tag;
    if (name.digest) out += "@" + name.digest->str();
    return out;
}

std::string parse_registry_host(std::string_view text) {
    if (!is_host(text)) throw Error(ErrorKind::usage, quote(text) + " is not a registry: HOST or HOST:PORT is");
    return normal_host(text);
}

std::string RegistryName::tag_or_default() const { return tag.empty() && !digest ? "latest" : tag; }

std::string api_host(std::string_view host) {
    return host == kDockerHub ? std::string("registry-1.docker.io") : std::string(host);
}

}  // namespace smith::ocilayout
