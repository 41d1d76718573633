// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

namespace smith {

std::size_t utf8_sequence_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto continues = [&](std::size_t i, unsigned low = 0x80U, unsigned high = 0xbfU) {
        return byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (text.empty()) return 0;
    if (first < 0x80U) return 1;
    if (first >= 0xc2U && first <= 0xdfU) return continues(1) ? 2 : 0;
    if (first >= 0xe0U && first <= 0xefU) {
        const unsigned low = first == 0xe0U ? 0xa0U : 0x80U;   // overlong
        const unsigned high = first == 0xedU ? 0x9fU : 0xbfU;  // surrogates
        return continues(1, low, high) && continues(2) ? 3 : 0;
    }
    if (first >= 0xf0U && first <= 0xf4U) {
        const unsigned low = first == 0xf0U ? 0x90U : 0x80U;   // overlong
        const unsigned high = first == 0xf4U ? 0x8fU : 0xbfU;  // above U+10FFFF
        return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t length = utf8_sequence_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string to_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = utf8_sequence_length(text);
        out += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

}  // namespace smith
