// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/json_text.h"

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace smith::cli {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        out += kDigits[static_cast<unsigned char>(c) >> 4U];
        out += kDigits[static_cast<unsigned char>(c) & 0x0fU];
    }
    return out;
}

}  // namespace

std::string json_text(std::string_view text) {
    if (is_utf8(text)) return std::string(text);
    std::string out;
    while (!text.empty()) {
        const std::size_t length = utf8_sequence_length(text);
        if (length == 0) {
            out += "\\x" + hex(text.substr(0, 1));
            text.remove_prefix(1);
        } else {
            out += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return out;
}

void put_name(nlohmann::json& object, const std::string& key, std::string_view name) {
    object[key] = json_text(name);
    if (!is_utf8(name)) object[key + "_hex"] = hex(name);
}

}  // namespace smith::cli
