// SPDX-License-Identifier: Apache-2.0
//
// Who we are to a registry: the first of many places that says so, in the order of skopeo and podman
// (containers-auth.json(5)).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ocilayout/registry/credential_file.h"
#include "ocilayout/registry/options.h"

namespace smith::ocilayout {

struct CredentialPlace {
    std::filesystem::path file;
    bool legacy = false;  ///< .dockercfg
};

/// The files that are looked into, the first first. --authfile or $REGISTRY_AUTH_FILE: that one alone. Else
/// $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json, $DOCKER_CONFIG/config.json (or
/// ~/.docker/config.json), ~/.dockercfg.
[[nodiscard]] std::vector<CredentialPlace> credential_places(const RegistryOptions& options);

struct FoundCredential {
    Credential credential;
    std::string where;  ///< for messages: "--creds", a file, a helper
};

/// What there is for "HOST/REPOSITORY"; nothing when there is nothing. Throws Error: format, for a file that can't be
/// read as what it is; system; spec.
[[nodiscard]] std::optional<FoundCredential> credential_for_registry(std::string_view host, std::string_view repository,
                                                                     const RegistryOptions& options);

/// Keeps `credential` for `host`: in the helper that the first of credential_places() names for it, else in that file,
/// for its owner's eyes alone (mode 0600), replaced at once. Returns where. Throws Error: system, format.
std::string store_credential(const std::string& host, const Credential& credential, const RegistryOptions& options);

/// Takes away what all credential_places() have for `host`; where it was. Throws likewise.
std::vector<std::string> erase_credential(const std::string& host, const RegistryOptions& options);

}  // namespace smith::ocilayout
