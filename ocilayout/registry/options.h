// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/reporter.h"
#include "base/retry.h"
#include "base/secret.h"

namespace smith::ocilayout {

/// A user and a password from the command line (--creds): in place of all that files have.
struct RegistryLogin {
    Secret username;
    Secret password;
    bool operator==(const RegistryLogin&) const = default;
};

/// How registries are talked to. What is left out comes from the files and variables of containers-tools:
/// containers-registries.conf(5), containers-auth.json(5), containers-certs.d(5).
struct RegistryOptions {
    bool insecure = false;  ///< plain HTTP, and certificates of anybody
    std::optional<RegistryLogin> login;
    std::filesystem::path auth_file;          ///< --authfile; empty: $REGISTRY_AUTH_FILE, else the default ones
    std::filesystem::path cert_dir;           ///< --cert-dir; empty: certs.d
    std::vector<std::string> trusted_realms;  ///< --trust-realm: hosts that tokens may be had from, for any registry
    RetryOptions retry;                       ///< of requests that fail for reasons of the moment
    /// For all of a manifest, a list or a token. A server may be slow with what is large.
    long max_seconds_for_document = 300;
    /// Where what is learned of a registry is remembered (which token server it has): saves a request. Empty: nowhere.
    std::filesystem::path cache_dir;
    /// Told of warnings that registries send, and, as details, of requests. Null: nobody. Must outlive what is opened.
    Reporter* reporter = nullptr;
};

}  // namespace smith::ocilayout
