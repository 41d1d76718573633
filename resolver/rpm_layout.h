// SPDX-License-Identifier: Apache-2.0
//
// Where a .rpm file has its header (rpm, docs/manual/format.md): a lead of 96 bytes, the signature header, padded to
// eight bytes, the header, the payload. All that a FileTree holds stands before the payload, so the start of a package
// is worth fetching alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/digest.h"

namespace smith::resolver {

struct HeaderRange {
    std::uint64_t start = 0;  ///< offset of its first byte in the file
    std::uint64_t end = 0;    ///< and of the first one behind it
    bool operator==(const HeaderRange&) const = default;
};

/// Reads nothing but the two headers' own first bytes: the file may end before the header does. Throws Error:
/// integrity, when there is no header where there should be; system.
[[nodiscard]] HeaderRange find_header(int fd);

using TakeBytes = std::function<void(std::span<const std::byte>)>;

/// Calls `take` with the bytes from `start` up to `end` of the file, piece by piece. Throws Error: integrity, when the
/// file ends before; system; and what `take` throws.
void read_range(int fd, std::uint64_t start, std::uint64_t end, const TakeBytes& take);

/// What `rpm -qp --qf '%{SHA256HEADER}'` prints: a name for the header that no signature changes. Throws Error:
/// integrity, when the file ends within it; system.
[[nodiscard]] Digest digest_header(int fd, const HeaderRange& range);

}  // namespace smith::resolver
