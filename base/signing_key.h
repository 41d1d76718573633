// SPDX-License-Identifier: Apache-2.0
//
// Keys that images are signed with: ECDSA on P-256 over SHA-256, and Ed25519, the two that cosign has. The cryptography
// is OpenSSL's; libsodium opens the key files that cosign itself encrypts.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/handle.h"
#include "base/secret.h"

struct evp_pkey_st;

namespace smith {

using KeyHandle = std::shared_ptr<evp_pkey_st>;

/// Verifies signatures.
class PublicKey {
public:
    /// From a PEM text: a public key, or a private key that is not encrypted. Throws Error (format) for another kind of
    /// key than the two above.
    [[nodiscard]] static PublicKey from_pem(std::string_view pem);
    /// `name`: a file, "env://VARIABLE" that holds a PEM text, or a PKCS#11 URI (RFC 7512). Throws Error: usage,
    /// system, format.
    [[nodiscard]] static PublicKey load(const std::string& name);

    /// False for anything that is not a signature of `message` by this key.
    [[nodiscard]] bool verify(std::string_view message, std::string_view signature) const;
    /// "PUBLIC KEY", as PEM.
    [[nodiscard]] std::string pem() const;

private:
    friend class PrivateKey;
    explicit PublicKey(KeyHandle key) : key_(std::move(key)) {}
    KeyHandle key_;
};

class PrivateKey {
public:
    /// PKCS#8, SEC 1 ("EC PRIVATE KEY"), encrypted or not, and cosign's own form. `passphrase` is looked at only when
    /// the key is encrypted. Throws Error (format), or (usage) when it is encrypted and the passphrase is not right.
    [[nodiscard]] static PrivateKey from_pem(std::string_view pem, const Secret& passphrase);
    /// `name` as for PublicKey::load. Throws Error: usage, system, format.
    [[nodiscard]] static PrivateKey load(const std::string& name, const Secret& passphrase);

    /// DER for ECDSA, 64 bytes for Ed25519. Throws Error (system) when a token refuses.
    [[nodiscard]] std::string sign(std::string_view message) const;
    [[nodiscard]] PublicKey public_key() const { return PublicKey(key_); }

private:
    explicit PrivateKey(KeyHandle key) : key_(std::move(key)) {}
    KeyHandle key_;
};

/// RFC 4648, with padding.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Throws Error (format).
[[nodiscard]] std::string from_base64(std::string_view text);

}  // namespace smith
