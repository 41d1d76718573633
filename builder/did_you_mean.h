// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace smith::builder {

/// The one of `known` that somebody who wrote `word` most likely meant; "" when none is near. Counts letters left out,
/// added, changed and swapped.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

/// " (did you mean 'paths'?)", or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace smith::builder
