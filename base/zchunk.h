// SPDX-License-Identifier: Apache-2.0
//
// zchunk, version 1 (zchunk_format.txt of github.com/zchunk/zchunk): a header that lists chunks with a checksum and two
// lengths of each, then the chunks, each a zstd frame by itself. A chunk is decompressed when its checksum is right,
// never before. Of the format's options there are those that createrepo_c uses; data streams and signatures are
// refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smith {

struct ZchunkPart {
    std::string digest;             ///< raw bytes, of the chunk as it is stored
    std::uint64_t offset = 0;       ///< in the file
    std::uint64_t size = 0;         ///< as it is stored
    std::uint64_t opened_size = 0;  ///< decompressed
};

struct ZchunkHeader {
    std::string part_algorithm;     ///< of ZchunkPart::digest: "sha1", "sha256", "sha512", "sha512/128"
    bool is_zstd = false;           ///< else parts are stored as they are
    std::vector<ZchunkPart> parts;  ///< the first is the dictionary, of no bytes where there is none
    std::uint64_t size = 0;         ///< of the header: where the first part begins
    std::uint64_t file_size = 0;    ///< where the last one ends
};

// Of header and file offsets alike: Fedora's filelists, with a chunk for each of 60,000 packages, have a header of 2
// MiB.
inline constexpr std::uint64_t kMaxZchunkHeaderBytes = std::uint64_t{64} << 20U;

[[nodiscard]] bool is_zchunk(std::span<const std::byte> first_bytes);

/// What a file begins with. Checks the header's own checksum, and every bound that a part must keep. Throws Error
/// (format).
[[nodiscard]] ZchunkHeader parse_zchunk_header(std::string_view bytes);

/// Whether `bytes` are what `header` says of `part`.
[[nodiscard]] bool is_part(const ZchunkHeader& header, const ZchunkPart& part, std::string_view bytes);

class ZchunkReader {
public:
    /// Reads from `fd`, which must outlive it, from its first byte on. Throws Error: format, system.
    explicit ZchunkReader(int fd);
    ZchunkReader(ZchunkReader&&) noexcept;
    ZchunkReader& operator=(ZchunkReader&&) noexcept;
    ~ZchunkReader();

    /// The next bytes; 0 is the end. Throws Error (format): a part that is not what the header says; system.
    [[nodiscard]] std::size_t read(std::span<std::byte> buffer);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace smith
