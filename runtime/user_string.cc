// SPDX-License-Identifier: Apache-2.0
#include "runtime/user_string.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "runtime/config_parts.h"

namespace smith::runtime {

std::optional<std::uint32_t> parse_id(std::string_view text) noexcept {
    // from_chars takes a sign, and stops at what it does not know; neither is wanted.
    if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return {};
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value > kHighestId) return {};
    return static_cast<std::uint32_t>(value);
}

UserIds parse_user_ids(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::optional<std::uint32_t> uid = parse_id(text.substr(0, colon));
    UserIds ids;
    if (colon != std::string_view::npos) ids.gid = parse_id(text.substr(colon + 1));
    if (!uid || (colon != std::string_view::npos && !ids.gid)) {
        throw Error(ErrorKind::usage, quote(text) + " is not a user: UID or UID:GID, in digits, is");
    }
    ids.uid = *uid;
    return ids;
}

}  // namespace smith::runtime
