// SPDX-License-Identifier: Apache-2.0
//
// A package that is named by its URL: "https://host/x.rpm", "http://host/x.rpm#sha256=HEX", "file:///srv/x.rpm". As
// with a local .rpm its signature is not asked for, and whoever names it vouches for it: over https for what that
// server has, over http, where anybody in between can answer, for the very bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"

namespace smith::resolver {

struct RpmUrl {
    std::string url;               ///< without the fragment
    std::optional<Digest> sha256;  ///< of the fragment
};

/// Whether `request` is meant as one: it has a scheme, and its path ends in ".rpm".
[[nodiscard]] bool is_rpm_url(std::string_view request);

/// Of those, what is not of this machine.
[[nodiscard]] bool is_remote_rpm(std::string_view request);

/// Throws Error (format): another scheme than these three; a user or a query, which a spec and a lock would publish; a
/// byte that no URL has; http without a checksum.
[[nodiscard]] RpmUrl parse_rpm_url(std::string_view text);

}  // namespace smith::resolver
