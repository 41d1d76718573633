// SPDX-License-Identifier: Apache-2.0
//
// UTF-8 as RFC 3629 has it: what JSON documents and terminals may be given.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace smith {

/// Length in bytes of the well-formed UTF-8 sequence at the start of `text`: 1 to 4, or 0 where there is none.
/// Overlong forms, surrogates and values above U+10FFFF are not well-formed.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text) noexcept;

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// `text` with U+FFFD for each byte that is not part of UTF-8: for documents that people read.
[[nodiscard]] std::string to_utf8(std::string_view text);

}  // namespace smith
