// SPDX-License-Identifier: Apache-2.0
//
// URLs as text: what may be shown of one, and which host it names. Nothing here resolves or normalizes.
#pragma once

#include <string>
#include <string_view>

namespace smith {

/// "host:port" of `url`, with a user as little as a path: what counts as one host.
[[nodiscard]] std::string_view url_host(std::string_view url);

/// `url` without user, password, query and fragment: fit for messages and files.
[[nodiscard]] std::string redact_url(std::string_view url);

}  // namespace smith
