// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/utf8.h"

namespace smith {

namespace {

// Longer than any path that people use, short enough that two of them still fit a log line.
constexpr std::size_t kLongestQuoted = 400;

void append_hex(std::string& out, unsigned char byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\x";
    out += digits[byte >> 4U];
    out += digits[byte & 0x0fU];
}

/// Whether a terminal would obey this character instead of showing it, or show what follows in another order.
bool drives_terminal(std::string_view character) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    if (character.size() == 1) return byte(0) < 0x20U || byte(0) == 0x7fU;
    // U+0080..U+009F are control characters too: a terminal obeys them as it obeys ESC.
    if (character.size() == 2) return byte(0) == 0xc2U && byte(1) < 0xa0U;
    if (character.size() != 3 || byte(0) != 0xe2U) return false;
    // U+200E, U+200F, U+2028..U+202E, U+2066..U+2069: line separators and the direction of text (CVE-2021-42574).
    const bool u20xx =
        byte(1) == 0x80U && (byte(2) == 0x8eU || byte(2) == 0x8fU || (byte(2) >= 0xa8U && byte(2) <= 0xaeU));
    return u20xx || (byte(1) == 0x81U && byte(2) >= 0xa6U && byte(2) <= 0xa9U);
}

}  // namespace

void Error::prepend(std::string_view context) {
    message_.insert(0, ": ");
    message_.insert(0, context);
}

bool Error::is_not_found() const noexcept { return error_number_ == ENOENT; }

std::string escaped(std::string_view text) {
    std::string out;
    bool is_cut = false;
    std::size_t at = 0;
    while (at < text.size()) {
        if (!is_cut && at >= kLongestQuoted / 2 && text.size() > kLongestQuoted) {
            out += "...";
            is_cut = true;
            at = text.size() - kLongestQuoted / 2;
            // Not in the middle of a character.
            for (int i = 0; i < 3 && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U; ++i) ++at;
        }
        const std::size_t length = utf8_sequence_length(text.substr(at));
        if (length == 0 || drives_terminal(text.substr(at, length))) {
            for (const char c : text.substr(at, std::max<std::size_t>(length, 1)))
                append_hex(out, static_cast<unsigned char>(c));
        } else {
            out += text.substr(at, length);
        }
        at += std::max<std::size_t>(length, 1);
    }
    return out;
}

std::string quote(std::string_view name) { return "'" + escaped(name) + "'"; }

Error system_error(int error_number, std::string_view doing) {
    return {ErrorKind::system, std::string(doing) + ": " + std::generic_category().message(error_number), error_number};
}

}  // namespace smith
