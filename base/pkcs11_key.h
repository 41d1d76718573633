// SPDX-License-Identifier: Apache-2.0
//
// Keys in tokens and HSMs, named by a PKCS#11 URI (RFC 7512): by way of an OpenSSL provider where one is configured
// that knows such URIs, else of the engine "pkcs11" (libp11).
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

struct evp_pkey_st;

namespace smith {

[[nodiscard]] bool is_pkcs11_uri(std::string_view name);

/// Never null; the caller owns it. `pin`: when the URI has none. Throws Error (usage) when there is neither provider
/// nor engine, or no such key.
[[nodiscard]] evp_pkey_st* load_pkcs11_private_key(const std::string& uri, const Secret& pin);
[[nodiscard]] evp_pkey_st* load_pkcs11_public_key(const std::string& uri);

}  // namespace smith
