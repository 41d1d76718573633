// SPDX-License-Identifier: Apache-2.0
//
// Reads a tar stream of a stranger: ustar, pax, GNU and the seventh edition's. It decides as Go's archive/tar does,
// which docker, containerd and the containers tools read layers with; where readers are known to disagree about what an
// archive says, it refuses. It is ours and not libarchive's because names must come out as bytes in every locale, and
// because the digest of a layer covers all bytes, also those that libarchive never looks at. docs/image-format.md has
// the rules.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ocilayout/byte_source.h"
#include "ocilayout/sparse_map.h"

namespace smith::ocilayout {

enum class TarKind { directory, regular, symlink, hard_link, character_device, block_device, fifo };

struct TarEntry {
    std::string name;  ///< as in the archive: may be absolute or hold ".."; not empty, no NUL
    TarKind kind = TarKind::regular;
    std::string link;        ///< target of a symlink or hard link
    std::uint64_t size = 0;  ///< bytes that read() will give
    bool is_sparse = false;  ///< they do not stand in the archive as they are
    unsigned mode = 0;       ///< the lower 12 bits
    std::uint64_t uid = 0;
    std::uint64_t gid = 0;
    std::vector<std::string> xattrs;  ///< names of extended attributes
};

class TarReader {
public:
    /// `in` outlives the reader.
    explicit TarReader(ByteSource& in) : in_(in) {}

    /// Reads up to the next entry; false at the end of the archive. Throws Error (format).
    [[nodiscard]] bool next(TarEntry& entry);
    /// The next bytes of the current entry; 0 is its end.
    [[nodiscard]] std::size_t read(std::span<std::byte> buffer);
    /// Where in the stream the next byte that read() gives is; of a file that is not sparse.
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

private:
    struct Extended;
    class HeaderBlock;
    [[nodiscard]] bool read_block(std::span<std::byte> block);
    void skip_data();
    [[nodiscard]] std::string read_meta(std::uint64_t size, std::string_view what);
    [[nodiscard]] bool read_header(TarEntry& entry, Extended& extended);
    void read_gnu_sparse(const HeaderBlock& header);
    void read_map_in_data();
    void begin_sparse(TarEntry& entry, Extended& extended);
    [[nodiscard]] std::size_t read_sparse(std::span<std::byte> buffer);
    [[nodiscard]] std::size_t read_stored(std::span<std::byte> buffer);

    ByteSource& in_;
    std::uint64_t position_ = 0;
    std::uint64_t left_ = 0;     ///< of the current entry's data, as it is stored
    std::uint64_t padding_ = 0;  ///< after it
    std::optional<SparseMap> sparse_;
    std::size_t chunk_ = 0;         ///< of sparse_, that comes next or is being read
    std::uint64_t at_ = 0;          ///< in the sparse file
    std::uint64_t hole_bytes_ = 0;  ///< of all files so far
};

}  // namespace smith::ocilayout
