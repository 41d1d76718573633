// SPDX-License-Identifier: Apache-2.0
//
// Signals as people write them.
#pragma once

#include <optional>
#include <string_view>

namespace smith::runtime {

/// "9", "KILL", "SIGKILL", "sigkill", "RTMIN+3", "SIGRTMAX-1". Nothing for other words, and for what is no signal here.
[[nodiscard]] std::optional<int> parse_signal(std::string_view text);

}  // namespace smith::runtime
