// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace smith::cli {

/// `text` as a JSON document may hold it: bytes that are not UTF-8 become \xNN. For text that is for people.
[[nodiscard]] std::string json_text(std::string_view text);

/// Sets `object[key]` to json_text(name), and, where that is not all of it, `object[key + "_hex"]` to its bytes.
void put_name(nlohmann::json& object, const std::string& key, std::string_view name);

}  // namespace smith::cli
