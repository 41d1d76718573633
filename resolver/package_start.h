// SPDX-License-Identifier: Apache-2.0
//
// The start of a package, up to its payload, fetched alone: by a range request (RFC 9110, 14), or read from a file.
// Only a saving: whoever gets nothing here fetches the whole package, with all that is known about mirrors and retries.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/http.h"
#include "base/reporter.h"

namespace smith::resolver {

struct StartRequest {
    std::vector<std::string> urls;  ///< file, http or https; the better ones first
    HttpAccess access;
    std::uint64_t size = 0;   ///< how many bytes are wanted
    std::uint64_t total = 0;  ///< of the whole package: a server that speaks of another number has another file
};

/// The bytes of each of `requests`, in their order; nothing where they could not be had. They are not verified. A
/// server is asked for one start first, and for more if it understood: many know nothing of ranges. What one place does
/// not have is asked of the next, of the best three. Throws nothing that is about a server or a file.
[[nodiscard]] std::vector<std::optional<std::string>> fetch_starts(std::span<const StartRequest> requests,
                                                                   HttpClient& http, Reporter& reporter);

}  // namespace smith::resolver
