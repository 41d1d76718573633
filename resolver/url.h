// SPDX-License-Identifier: Apache-2.0
//
// URLs of repositories, and the small documents that are read whole from one: keys, signatures, lists of mirrors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/http.h"

namespace smith::resolver {

// A key, a signature, a list of mirrors: whoever takes longer for it will not do for the packages either. Also what
// ends a server that sends just fast enough.
inline constexpr long kMaxSecondsForDocument = 300;

/// The path of a file:// URL, percent-decoded; nothing for other URLs. Throws Error (format).
[[nodiscard]] std::optional<std::filesystem::path> local_path(std::string_view url);

/// `location` below `baseurl`, which ends in '/'. Bytes that a URL may not have are percent-encoded for http.
[[nodiscard]] std::string join_url(std::string_view baseurl, std::string_view location);

/// A small document of at most `max_bytes`, asked for again where that may help (base/retry.h). Throws Error (fetch);
/// system, for a file that can't be read.
[[nodiscard]] std::string read_url(const std::string& url, std::uint64_t max_bytes, const HttpAccess& access,
                                   HttpClient& http);

}  // namespace smith::resolver
