// SPDX-License-Identifier: Apache-2.0
//
// Users and passwords of hosts from a netrc file (curl(1), "--netrc"; the format is ftp(1)'s). Read here rather than by
// libcurl, which in some versions hands an entry's password to the host of a redirect (CVE-2024-11053).
#pragma once

#include <string_view>
#include <vector>

#include "base/http_access.h"

namespace smith {

/// The entries of `text` that have a login, in its order. `default` is left out: it would be sent to every server that
/// a list of mirrors names. A word may be quoted as curl has it: "a \"b\"". Throws Error (format) that names the line
/// and nothing that stands there.
[[nodiscard]] std::vector<HttpCredential> parse_netrc(std::string_view text);

}  // namespace smith
