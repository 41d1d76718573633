// SPDX-License-Identifier: Apache-2.0
//
// The one door for JSON that comes from outside, and the one way to write it: keys sorted, so that the same value has
// the same bytes.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace smith {

/// Parses one JSON document (RFC 8259). Throws Error (format) when it is not one, is nested deeper than kMaxJsonDepth,
/// is not UTF-8, or names a key of an object twice (two readers would disagree about what it says).
[[nodiscard]] nlohmann::json parse_json(std::string_view text);

/// Without white space, keys in byte order, UTF-8 unescaped. Throws Error (format) when a string is not UTF-8.
[[nodiscard]] std::string dump_json(const nlohmann::json& value);
/// The same with two spaces a level and a final newline: for files that people read.
[[nodiscard]] std::string dump_json_pretty(const nlohmann::json& value);

}  // namespace smith
