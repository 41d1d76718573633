// SPDX-License-Identifier: Apache-2.0
//
// The private keys that `cosign generate-key-pair` writes: PEM around JSON, which says how scrypt makes a key of the
// passphrase, and holds the private key (PKCS#8) in NaCl's secretbox (github.com/theupdateframework/go-tuf/encrypted).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace smith {

[[nodiscard]] bool is_cosign_key(std::string_view pem);

/// PKCS#8 in DER; nothing when `passphrase` is not the right one. Throws Error: format; usage, when smith was built
/// without libsodium.
[[nodiscard]] std::optional<std::string> open_cosign_key(std::string_view pem, const Secret& passphrase);

}  // namespace smith
