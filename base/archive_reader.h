// SPDX-License-Identifier: Apache-2.0
//
// Reads archives of strangers with libarchive, entry by entry, inside bounds. Names and links come out as the bytes
// that stand in the archive: whoever uses them makes an ImagePath of them first. Nothing is ever extracted to the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace smith {

/// Where an archive's bytes come from: fills the front of the buffer and says how much; 0 is the end. May throw.
using ByteInput = std::function<std::size_t(std::span<std::byte>)>;

enum class ArchiveFormat {
    cpio,        ///< what RPM payloads are
    tar,         ///< ustar, pax, GNU, v7
    compressed,  ///< no archive: one entry without a name, which is the decompressed stream
};

struct ArchiveLimits {
    std::uint64_t max_entries = 4'000'000;
    /// All bytes that read() gives, entries together.
    std::uint64_t max_bytes = std::uint64_t{256} << 30U;
    /// Refused beyond `free_bytes` when more than so many times the size of the input came out of it.
    std::uint64_t max_ratio = 200;
    std::uint64_t free_bytes = std::uint64_t{1} << 30U;
};

class ArchiveReader {
public:
    enum class Kind { directory, regular, symlink, hard_link, other };

    struct Entry {
        std::string path;  ///< as in the archive: may be absolute, hold "..", or be no UTF-8
        Kind kind = Kind::regular;
        std::uint64_t size = 0;
        unsigned mode = 0;   ///< permission bits with setuid, setgid and sticky
        std::string target;  ///< of a symlink or hard link
        std::uint64_t inode = 0;
        std::uint64_t links = 0;
    };

    /// Compression is recognised (gzip, xz, zstd, bzip2, lzma, none). Throws Error (format).
    ArchiveReader(ByteInput input, ArchiveFormat format, ArchiveLimits limits = {});
    ArchiveReader(ArchiveReader&&) noexcept;
    ArchiveReader& operator=(ArchiveReader&&) noexcept;
    ~ArchiveReader();

    /// The next entry; null at the end. Valid until the next call. Throws Error (format), or what the input threw.
    [[nodiscard]] const Entry* next();
    /// The next bytes of the current entry; 0 is its end.
    [[nodiscard]] std::size_t read(std::span<std::byte> buffer);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace smith
