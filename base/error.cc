// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

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

}  // namespace

void Error::prepend(std::string_view context) {
    message_.insert(0, ": ");
    message_.insert(0, context);
}

std::string quote(std::string_view name) {
    std::string out = "'";
    std::size_t at = 0;
    while (at < name.size()) {
        if (at == kLongestQuoted / 2 && name.size() > kLongestQuoted) {
            out += "...";
            at = name.size() - kLongestQuoted / 2;
        }
        const auto byte = static_cast<unsigned char>(name[at]);
        const std::size_t length = utf8_sequence_length(name.substr(at));
        // U+0080..U+009F are control characters too: a terminal obeys them as it obeys ESC.
        const bool c1_control = length == 2 && byte == 0xc2U && static_cast<unsigned char>(name[at + 1]) < 0xa0U;
        if (length == 0 || byte < 0x20U || byte == 0x7fU || c1_control) {
            append_hex(out, byte);
            ++at;
        } else {
            out += name.substr(at, length);
            at += length;
        }
    }
    return out + "'";
}

Error system_error(int error_number, std::string_view doing) {
    return {ErrorKind::system, std::string(doing) + ": " + std::generic_category().message(error_number)};
}

}  // namespace smith
