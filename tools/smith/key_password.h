// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>

#include "base/secret.h"

namespace smith::cli {

/// What a private key is encrypted with, or a token's PIN: SMITH_KEY_PASSWORD, else cosign's COSIGN_PASSWORD. Never
/// from the command line, which everybody can read.
[[nodiscard]] inline Secret key_password() {
    for (const char* name : {"SMITH_KEY_PASSWORD", "COSIGN_PASSWORD"}) {
        if (const char* value = std::getenv(name); value != nullptr) return Secret(value);
    }
    return {};
}

}  // namespace smith::cli
