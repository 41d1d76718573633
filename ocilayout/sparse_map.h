// SPDX-License-Identifier: Apache-2.0
//
// Where the bytes of a sparse file stand in it: what GNU tar and bsdtar write in place of runs of zeros, in each of the
// four forms that there have been (GNU tar manual, "Storing Sparse Files"). Between the chunks are holes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smith::ocilayout {

struct SparseChunk {
    std::uint64_t offset = 0;  ///< in the file
    std::uint64_t length = 0;
};

struct SparseMap {
    std::vector<SparseChunk> chunks;
    std::uint64_t size = 0;  ///< of the file, holes and all
};

/// Adds one chunk. Throws Error (format) when there are too many.
void add_chunk(SparseMap& map, std::uint64_t offset, std::uint64_t length);

/// What pax records say about sparse files, collected as they come.
struct SparseRecords {
    std::string major, minor;
    std::optional<std::string> name;
    std::optional<std::uint64_t> size;       ///< of 0.0 and 0.1
    std::optional<std::uint64_t> real_size;  ///< of 1.0
    std::vector<std::uint64_t> numbers;      ///< offset, length, offset, length ... of 0.0 and 0.1

    /// `key` without "GNU.sparse.". Throws Error (format).
    void set(std::string_view key, std::string_view value);
    [[nodiscard]] bool any() const;
    /// True when the map stands before the file's data (1.0). Throws Error (format) for a version that is not known.
    [[nodiscard]] bool has_map_in_data() const;
    /// The size that the file has; `stored` when nothing says it.
    [[nodiscard]] std::uint64_t size_or(std::uint64_t stored) const {
        return real_size ? *real_size : size.value_or(stored);
    }
};

/// Throws Error (format) unless the chunks are in order, do not overlap, lie within the file, and take `stored` bytes
/// together.
void check_sparse_map(const SparseMap& map, std::uint64_t stored);

/// A decimal number; Throws Error (format).
[[nodiscard]] std::uint64_t sparse_number(std::string_view text);

}  // namespace smith::ocilayout
