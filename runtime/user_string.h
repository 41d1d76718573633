// SPDX-License-Identifier: Apache-2.0
//
// "UID", "UID:GID": how `exec --user` names a user. Numbers only, as every OCI runtime has it: names are for those who
// know the image. What a number is, is told strictly: "0 ", "+0", "-1" and 4294967296 are none (CVE-2026-30892).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace smith::runtime {

struct UserIds {
    std::uint32_t uid = 0;
    std::optional<std::uint32_t> gid;
};

/// Digits alone, at most 4294967294: (uid_t)-1 means "leave it" to the kernel. Nothing for any other text.
[[nodiscard]] std::optional<std::uint32_t> parse_id(std::string_view text) noexcept;

/// Throws Error (usage), quoting `text`.
[[nodiscard]] UserIds parse_user_ids(std::string_view text);

}  // namespace smith::runtime
