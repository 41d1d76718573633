// SPDX-License-Identifier: Apache-2.0
//
// One compressed stream, opened a piece at a time and never further than it may go: gzip, xz, bzip2, zstd, zchunk, or
// not compressed at all, told by its first bytes. Through libarchive's filters but for zchunk, in this process: no
// helper program runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace smith {

class Decompressor {
public:
    /// `max_bytes` bounds what comes out; the first byte beyond it is an Error (format).
    Decompressor(const std::filesystem::path& file, std::uint64_t max_bytes);
    Decompressor(Decompressor&&) noexcept;
    Decompressor& operator=(Decompressor&&) noexcept;
    ~Decompressor();

    /// The next bytes; 0 is the end. Throws Error: format, for a damaged stream; system.
    [[nodiscard]] std::size_t read(std::span<std::byte> buffer);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace smith
