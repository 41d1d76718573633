// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/reference.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace smith::ocilayout {

namespace {

constexpr std::string_view kDockerPrefix = "docker://";
constexpr std::string_view kHttpsPrefix = "https://";

constexpr std::array<std::pair<std::string_view, Transport>, 4> kFileTransports = {{
    {"oci:", Transport::oci},
    {"oci-archive:", Transport::oci_archive},
    {"docker-archive:", Transport::docker_archive},
    {"dir:", Transport::dir},
}};

// Transports of containers-transports(5) that smith has not got. Without this list, "sif:x" would be the tag x in a
// layout called "sif".
constexpr std::array<std::string_view, 6> kOtherTransports = {
    "docker-daemon:", "containers-storage:", "ostree:", "sif:", "docker:", "http:",
};

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
    throw Error(ErrorKind::usage, "image name " + quote(text) + ": " + why);
}

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// image-spec annotations.md, org.opencontainers.image.ref.name: alphanumeric runs, joined by one separator or by "--".
bool is_tag(std::string_view text) {
    constexpr std::string_view separators = "-._:@/+";
    if (text.empty() || !is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (is_alphanumeric(text[i])) continue;
        if (separators.find(text[i]) == std::string_view::npos) return false;
        if (is_alphanumeric(text[i - 1])) continue;
        const bool double_dash = text[i] == '-' && text[i - 1] == '-' && is_alphanumeric(text[i - 2]);
        if (!double_dash) return false;
    }
    return true;
}

bool names_an_archive(std::string_view path) {
    return path.ends_with(".tar") || path.ends_with(".tar.gz") || path.ends_with(".tgz");
}

/// PATH[:TAG]; the first colon ends the path.
Reference split(std::string_view whole, Transport transport, std::string_view rest) {
    const std::size_t colon = rest.find(':');
    const std::string_view path = rest.substr(0, colon);
    if (path.empty()) refuse(whole, "it has no path");
    if (path.find('\0') != std::string_view::npos) refuse(whole, "its path holds a NUL");
    Reference out;
    out.transport = transport;
    out.path = path;
    if (colon != std::string_view::npos) {
        out.tag = rest.substr(colon + 1);
        if (transport == Transport::dir) refuse(whole, "a dir: has no tags");
        const bool is_number = transport == Transport::docker_archive && out.tag.size() > 1 && out.tag[0] == '@' &&
                               out.tag.find_first_not_of("0123456789", 1) == std::string::npos;
        if (!is_number && !is_tag(out.tag)) {
            refuse(whole,
                   quote(out.tag) + " is not a tag (letters and digits, with one of - . _ : @ / + between them)");
        }
    }
    return out;
}

Reference registry_name(std::string_view whole, std::string_view name) {
    if (name.empty()) refuse(whole, "it names no repository");
    const auto is_control = [](unsigned char c) { return c <= 0x20U || c == 0x7fU; };
    if (std::ranges::any_of(name, is_control)) refuse(whole, "it holds white space or a control character");
    Reference out;
    out.transport = Transport::docker;
    out.name = name;
    return out;
}

std::string_view prefix_of(Transport transport) {
    for (const auto& [prefix, its] : kFileTransports) {
        if (its == transport) return prefix;
    }
    return kDockerPrefix;
}

}  // namespace

Reference parse_reference(std::string_view text) {
    if (text.starts_with(kDockerPrefix)) return registry_name(text, text.substr(kDockerPrefix.size()));
    if (text.starts_with(kHttpsPrefix)) return registry_name(text, text.substr(kHttpsPrefix.size()));
    for (const auto& [prefix, transport] : kFileTransports) {
        if (text.starts_with(prefix)) return split(text, transport, text.substr(prefix.size()));
    }
    for (const std::string_view prefix : kOtherTransports) {
        if (text.starts_with(prefix)) {
            refuse(text, "no transport " + quote(prefix) +
                             " here; there are oci: oci-archive: docker-archive: dir: docker://");
        }
    }
    const std::size_t colon = text.find(':');
    if (names_an_archive(text.substr(0, colon))) return split(text, Transport::oci_archive, text);
    // A bare "nginx:latest" most likely means a registry, but a directory bears that name just as well.
    if (colon != std::string_view::npos && !text.starts_with('/') && !text.starts_with('.')) {
        refuse(text, "write oci:" + std::string(text) + " for a layout, or docker://" + std::string(text) +
                         " for a registry");
    }
    return split(text, Transport::oci, text);
}

std::string to_string(const Reference& reference) {
    std::string out(prefix_of(reference.transport));
    if (reference.transport == Transport::docker) return out + reference.name;
    out += reference.path.string();
    if (!reference.tag.empty()) out += ":" + reference.tag;
    return out;
}

std::string tag_or_latest(const Reference& reference) { return reference.tag.empty() ? "latest" : reference.tag; }

}  // namespace smith::ocilayout
