// SPDX-License-Identifier: Apache-2.0
//
// Fields of a JSON object of a stranger. A field that is null counts as absent: Go's encoder writes null for an empty
// list. All throw Error (format), naming the field.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

namespace smith::ocilayout {

/// Null when it is absent. Throws when `object` is not an object.
[[nodiscard]] const nlohmann::json* find_field(const nlohmann::json& object, const char* name);

[[nodiscard]] std::string string_field(const nlohmann::json& object, const char* name);
/// Empty when it is absent.
[[nodiscard]] std::string optional_string(const nlohmann::json& object, const char* name);
/// A size in bytes: required, an integer, 0 to 2^63 - 1 (what Go's int64 can hold).
[[nodiscard]] std::uint64_t size_field(const nlohmann::json& object, const char* name);
/// 0 when it is absent.
[[nodiscard]] std::int64_t optional_integer(const nlohmann::json& object, const char* name);
[[nodiscard]] std::vector<std::string> string_list(const nlohmann::json& object, const char* name);
[[nodiscard]] std::map<std::string, std::string> string_map(const nlohmann::json& object, const char* name);
/// The keys of an object whose values are empty objects: how Go writes a set.
[[nodiscard]] std::set<std::string> key_set(const nlohmann::json& object, const char* name);

}  // namespace smith::ocilayout
