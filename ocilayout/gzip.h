// SPDX-License-Identifier: Apache-2.0
//
// gzip with all cores, the same bytes for any number of them: the input is cut in pieces of a fixed size, each is
// compressed on its own by libdeflate, and each becomes one member of the file (RFC 1952 section 2.2: a gzip file is a
// series of members). Why members, and who reads them: docs/decisions/gzip-members.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/digest.h"
#include "base/sink.h"

namespace smith::ocilayout {

inline constexpr std::size_t kGzipChunkBytes = std::size_t{1024} * 1024;
inline constexpr int kGzipLevel = 6;

/// What decides the compressed bytes besides the input, such as "libdeflate-1.14 level 6 chunk 1MiB". It stands in the
/// lock, because another version of the library may write other bytes.
[[nodiscard]] std::string_view compressor_id();

/// Compression, the digest of what goes in, and the digest and writing of what comes out run on threads of their own.
/// Memory: about 2 MiB for each of `2 * jobs + 2` pieces.
class GzipWriter {
public:
    /// `out` is called on another thread, one call at a time, in order. `jobs` threads compress (0 counts as 1).
    GzipWriter(unsigned jobs, Sink out);
    GzipWriter(const GzipWriter&) = delete;
    GzipWriter& operator=(const GzipWriter&) = delete;
    /// Without finish(): stops, and leaves the output unfinished.
    ~GzipWriter();

    /// Throws what `out` threw.
    void write(std::span<const std::byte> bytes);

    struct Result {
        Digest input;
        std::uint64_t input_size = 0;
        Digest output;
        std::uint64_t output_size = 0;
    };
    /// Returns after the last call of `out`. Call once. No input at all gives one empty member.
    [[nodiscard]] Result finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace smith::ocilayout
