// SPDX-License-Identifier: Apache-2.0
//
// Through which proxy registries are asked. libcurl reads http_proxy, https_proxy and no_proxy; whoever has set up
// podman, skopeo or docker counts on two things more, which Go's ProxyFromEnvironment does: HTTP_PROXY in capitals, and
// no proxy for this machine itself.
#pragma once

#include <string_view>

#include "base/http_access.h"

namespace smith::ocilayout {

/// Adds to `access` what the environment says for `url`, and libcurl would not do of itself.
void add_proxy(HttpAccess& access, std::string_view url);

}  // namespace smith::ocilayout
