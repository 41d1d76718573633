// SPDX-License-Identifier: Apache-2.0
//
// Certificates for one registry, as containers-certs.d(5) has them: *.crt are authorities, NAME.cert and NAME.key are
// who we are.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/http_access.h"

namespace smith::ocilayout {

/// Adds to `access` what the directory of `host` holds: HOST:PORT below ~/.config/containers/certs.d,
/// /etc/containers/certs.d or /etc/docker/certs.d, whichever has it first. `named`, if given, is that directory itself.
/// Throws Error: usage, for a certificate without its key; system.
void add_certificates(HttpAccess& access, std::string_view host, const std::filesystem::path& named);

}  // namespace smith::ocilayout
