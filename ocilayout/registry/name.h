// SPDX-License-Identifier: Apache-2.0
//
// The name of an image in a registry: HOST[:PORT]/REPOSITORY[:TAG][@DIGEST], by the grammar that every registry and
// every client has (distribution-spec, "Pulling manifests"; the reference package of distribution). What comes out of
// here goes into URLs, so that nothing passes that means something there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"

namespace smith::ocilayout {

struct RegistryName {
    std::string host;        ///< "docker.io", "localhost:5000", "[::1]:5000"; in lower case
    std::string repository;  ///< "library/nginx"
    std::string tag;         ///< empty when none was given
    std::optional<Digest> digest;

    bool operator==(const RegistryName&) const = default;

    /// "HOST/REPOSITORY"
    [[nodiscard]] std::string full_repository() const { return host + "/" + repository; }
    /// The tag; "latest" for a name that has neither tag nor digest, and "" for one with a digest alone.
    [[nodiscard]] std::string tag_or_default() const;
};

/// As docker reads it: what comes before the first '/' is a host when it has a '.' or a ':', or is "localhost"; without
/// one the image is docker.io's, and with a single word in its "library/". Throws Error: usage, which says what is
/// wrong; format, for a digest that is not sha256.
[[nodiscard]] RegistryName parse_registry_name(std::string_view text);

/// parse_registry_name(to_string(n)) == n.
[[nodiscard]] std::string to_string(const RegistryName& name);

/// "HOST[:PORT]", as RegistryName::host has it. Throws Error (usage).
[[nodiscard]] std::string parse_registry_host(std::string_view text);

[[nodiscard]] bool is_registry_tag(std::string_view text);
[[nodiscard]] bool is_repository_name(std::string_view text);

/// Where the API of a registry is asked: "registry-1.docker.io" for "docker.io", anything else as it is.
[[nodiscard]] std::string api_host(std::string_view host);

}  // namespace smith::ocilayout
