// SPDX-License-Identifier: Apache-2.0
//
// Pieces of a zchunk file, for those who put one together: numbers and digests as they stand in it.
#pragma once

#include <cstdint>
#include <string>

#include "base/digest.h"

namespace smith::test {

/// Seven bits a byte, the lowest first; the last byte has its highest bit set.
inline std::string zchunk_number(std::uint64_t value) {
    std::string out;
    for (; value >= 0x80U; value >>= 7U) out += static_cast<char>(value & 0x7fU);
    return out + static_cast<char>(value | 0x80U);
}

inline std::string raw_sha256(const std::string& bytes) {
    std::string out;
    for (const std::uint8_t byte : sha256(bytes).bytes) out += static_cast<char>(byte);
    return out;
}

}  // namespace smith::test
