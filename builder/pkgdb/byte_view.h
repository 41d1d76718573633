// SPDX-License-Identifier: Apache-2.0
//
// The one bounds-checked door to the bytes of a database.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace smith::pkgdb {

enum class ByteOrder { little, big };

class ByteView {
public:
    explicit ByteView(std::span<const std::byte> bytes, ByteOrder order = ByteOrder::big)
        : bytes_(bytes), order_(order) {}

    [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
    [[nodiscard]] ByteView part(std::uint64_t offset, std::uint64_t length) const {
        if (offset > bytes_.size() || length > bytes_.size() - offset) {
            throw Error(ErrorKind::format, std::to_string(length) + " bytes at " + std::to_string(offset) + " of " +
                                               std::to_string(bytes_.size()));
        }
        return ByteView(bytes_.subspan(offset, length), order_);
    }
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    [[nodiscard]] std::string_view text() const {
        return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
    }
    [[nodiscard]] std::uint8_t u8(std::uint64_t offset) const {
        return std::to_integer<std::uint8_t>(part(offset, 1).bytes_[0]);
    }
    [[nodiscard]] std::uint32_t u16(std::uint64_t offset) const { return number(offset, 2); }
    [[nodiscard]] std::uint32_t u32(std::uint64_t offset) const { return number(offset, 4); }
    /// Up to the NUL, which must be there.
    [[nodiscard]] std::string_view c_string(std::uint64_t offset) const {
        const std::string_view rest = part(offset, size() - std::min<std::uint64_t>(offset, size())).text();
        const std::size_t end = rest.find('\0');
        if (end == std::string_view::npos) throw Error(ErrorKind::format, "a text does not end");
        return rest.substr(0, end);
    }

private:
    [[nodiscard]] std::uint32_t number(std::uint64_t offset, unsigned length) const {
        const std::span<const std::byte> at = part(offset, length).bytes_;
        std::uint32_t out = 0;
        for (unsigned i = 0; i < length; ++i) {
            const unsigned next = order_ == ByteOrder::big ? i : length - 1 - i;
            out = (out << 8U) | std::to_integer<std::uint32_t>(at[next]);
        }
        return out;
    }

    std::span<const std::byte> bytes_;
    ByteOrder order_;
};

}  // namespace smith::pkgdb
