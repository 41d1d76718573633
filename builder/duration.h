// SPDX-License-Identifier: Apache-2.0
//
// Durations as Go and Docker write them: "10s", "1m30s", "1.5h", "250ms"; a plain number is seconds.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace smith::builder {

/// Throws Error (spec) when `text` is not a duration, has a sign, or is longer than kMaxDuration.
[[nodiscard]] std::chrono::nanoseconds parse_duration(std::string_view text);

/// What parse_duration reads back as the same: "1m30s", "1s500ms", "0s".
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

// Nothing that a spec waits for takes longer; 290 years are all that 64 bits of nanoseconds hold.
inline constexpr std::chrono::nanoseconds kMaxDuration = std::chrono::hours(24 * 365);

}  // namespace smith::builder
