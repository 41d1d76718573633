// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/tar_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "ocilayout/bounds.h"

namespace smith::ocilayout {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::string_view kSparse = "GNU.sparse.";
constexpr std::uint64_t kLargestSize = std::numeric_limits<std::int64_t>::max();
// What bsdtar writes into the size field when the real size is in a pax record: the largest that fits.
constexpr std::uint64_t kFullSizeField = (std::uint64_t{1} << 33U) - 1;

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::format, "tar: " + why); }

std::uint64_t decimal(std::string_view text, std::string_view what) {
    std::uint64_t out = 0;
    if (text.empty()) refuse("pax record " + quote(what) + " is empty");
    for (const char c : text) {
        if (c < '0' || c > '9' || out > (kLargestSize - 9) / 10) {
            refuse("pax record " + quote(what) + " is not a number: " + quote(text));
        }
        out = out * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return out;
}

std::optional<TarKind> kind_of(char type) {
    switch (type) {
        case '\0':
        case '0':
        case '7':                           // contiguous, which no file system here has
        case 'S': return TarKind::regular;  // GNU's sparse file
        case '1': return TarKind::hard_link;
        case '2': return TarKind::symlink;
        case '3': return TarKind::character_device;
        case '4': return TarKind::block_device;
        case '5': return TarKind::directory;
        case '6': return TarKind::fifo;
        default: return std::nullopt;
    }
}

}  // namespace

/// A header block, field by field (pax(1), "ustar Interchange Format"; tar.5 of libarchive for the GNU one).
class TarReader::HeaderBlock {
public:
    std::array<std::byte, kBlock> bytes{};

    [[nodiscard]] std::string_view raw(std::size_t offset, std::size_t length) const {
        return {reinterpret_cast<const char*>(bytes.data()) + offset, length};
    }
    /// Up to the first NUL.
    [[nodiscard]] std::string text(std::size_t offset, std::size_t length) const {
        const std::string_view field = raw(offset, length);
        return std::string(field.substr(0, field.find('\0')));
    }

    [[nodiscard]] char type() const { return raw(156, 1)[0]; }
    // POSIX says "ustar\0" and "00"; some writers of old leave the version out.
    [[nodiscard]] bool is_ustar() const { return raw(257, 6) == std::string_view("ustar\0", 6); }
    [[nodiscard]] bool is_gnu() const { return raw(257, 8) == std::string_view("ustar  \0", 8); }
    [[nodiscard]] bool is_star() const { return is_ustar() && raw(508, 4) == std::string_view("tar\0", 4); }

    [[nodiscard]] std::string name() const {
        const std::string last = text(0, 100);
        if (!is_ustar()) return last;
        const std::string prefix = text(345, is_star() ? 131 : 155);
        return prefix.empty() ? last : prefix + "/" + last;
    }

    /// Octal digits between spaces and NULs, or 0x80 and a big-endian number (GNU and star, for what is larger).
    [[nodiscard]] std::uint64_t number(std::size_t offset, std::size_t length, std::string_view what) const {
        std::string_view field = raw(offset, length);
        const auto first = static_cast<unsigned char>(field[0]);
        if ((first & 0x80U) != 0) return binary_number(field, what);
        constexpr std::string_view blanks(" \0", 2);
        field.remove_prefix(std::min(field.find_first_not_of(blanks), field.size()));
        const std::size_t end = std::min(field.find_first_of(blanks), field.size());
        std::uint64_t out = 0;
        for (const char digit : field.substr(0, end)) {
            if (digit < '0' || digit > '7') refuse(std::string(what) + " is not a number: " + quote(field));
            out = out * 8 + static_cast<std::uint64_t>(digit - '0');
        }
        return out;
    }

    void check_sum() const {
        const std::uint64_t claimed = number(148, 8, "checksum");
        std::uint64_t unsigned_sum = 0;
        std::int64_t signed_sum = 0;
        for (std::size_t i = 0; i < kBlock; ++i) {
            const bool in_sum_field = i >= 148 && i < 156;
            const auto byte = static_cast<unsigned char>(in_sum_field ? ' ' : std::to_integer<unsigned char>(bytes[i]));
            unsigned_sum += byte;
            signed_sum += static_cast<signed char>(byte);
        }
        // Sun's tar added signed bytes.
        if (claimed != unsigned_sum && static_cast<std::int64_t>(claimed) != signed_sum) {
            refuse("header checksum does not match: expected " + std::to_string(unsigned_sum) + ", got " +
                   std::to_string(claimed));
        }
    }

    [[nodiscard]] bool is_zero() const {
        return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
    }

private:
    static std::uint64_t binary_number(std::string_view field, std::string_view what) {
        std::uint64_t out = static_cast<unsigned char>(field[0]) & 0x7fU;
        for (const char c : field.substr(1)) {
            if (out > (kLargestSize >> 8U)) refuse(std::string(what) + " is negative or too large");
            out = (out << 8U) | static_cast<unsigned char>(c);
        }
        return out;
    }
};

/// What the meta entries before an entry say about it.
struct TarReader::Extended {
    std::optional<std::string> path;
    std::optional<std::string> link;
    std::optional<std::uint64_t> size;
    std::optional<std::uint64_t> uid;
    std::optional<std::uint64_t> gid;
    std::vector<std::string> xattrs;
    std::optional<std::string> gnu_name;
    std::optional<std::string> gnu_link;
    SparseRecords sparse;

    void set(std::string_view key, std::string_view value) {
        constexpr std::string_view xattr = "SCHILY.xattr.";
        constexpr std::string_view libarchive_xattr = "LIBARCHIVE.xattr.";
        if (key == "path" || key == "linkpath") {
            if (value.find('\0') != std::string_view::npos) refuse("pax record " + quote(key) + " holds a NUL");
            auto& field = key == "path" ? path : link;
            // An empty value takes back what was said before (pax(1)).
            field = value.empty() ? std::nullopt : std::optional(std::string(value));
        } else if (key == "size") {
            size = value.empty() ? std::nullopt : std::optional(decimal(value, key));
        } else if (key == "uid" || key == "gid") {
            (key == "uid" ? uid : gid) = value.empty() ? std::nullopt : std::optional(decimal(value, key));
        } else if (key.starts_with(xattr)) {
            xattrs.emplace_back(key.substr(xattr.size()));
        } else if (key.starts_with(libarchive_xattr)) {
            xattrs.emplace_back(key.substr(libarchive_xattr.size()));
        } else if (key.starts_with(kSparse)) {
            sparse.set(key.substr(kSparse.size()), value);
        }
        // Times, names of owners, comments: nothing of it can be in a tree.
    }

    /// "<length> <key>=<value>\n", again and again; the length is of all of it.
    void parse(std::string_view records, bool global) {
        while (!records.empty()) {
            const std::size_t space = records.find(' ');
            if (space == std::string_view::npos || space > 19) refuse("damaged pax record: no length");
            const std::uint64_t length = decimal(records.substr(0, space), "length");
            // At least one byte of key, "=" and the newline.
            if (length < space + 4 || length > records.size() ||
                records[static_cast<std::size_t>(length) - 1] != '\n') {
                refuse("damaged pax record: its length does not end at a newline");
            }
            const std::string_view record = records.substr(space + 1, static_cast<std::size_t>(length) - space - 2);
            const std::size_t equals = record.find('=');
            if (equals == std::string_view::npos || equals == 0) refuse("damaged pax record: no key");
            const std::string_view key = record.substr(0, equals);
            if (!global) {
                set(key, record.substr(equals + 1));
            } else if (key == "path" || key == "linkpath" || key == "size" || key.starts_with(kSparse)) {
                // Go skips global headers and GNU tar applies them: two trees out of one layer.
                refuse("a global pax header sets " + quote(key));
            }
            records.remove_prefix(static_cast<std::size_t>(length));
        }
    }
};

bool TarReader::read_block(std::span<std::byte> block) {
    std::size_t have = 0;
    while (have < block.size()) {
        const std::size_t got = in_.read(block.subspan(have));
        if (got == 0) break;
        have += got;
    }
    position_ += have;
    if (have == 0) return false;
    if (have < block.size()) refuse("the archive is cut short");
    return true;
}

void TarReader::skip_data() {
    if (left_ > 0 && !in_.skip(left_)) refuse("the archive is cut short");
    // The padding after the last file may be missing: writers of old stop at its last byte.
    if (padding_ > 0) static_cast<void>(in_.skip(padding_));
    position_ += left_ + padding_;
    left_ = 0;
    padding_ = 0;
}

std::string TarReader::read_meta(std::uint64_t size, std::string_view what) {
    if (size > limits::kMaxPaxBytes) {
        refuse(std::string(what) + " of " + std::to_string(size) + " bytes, more than the " +
               std::to_string(limits::kMaxPaxBytes) + " allowed");
    }
    std::string out(static_cast<std::size_t>((size + kBlock - 1) / kBlock * kBlock), '\0');
    if (!out.empty() && !read_block(std::as_writable_bytes(std::span(out)))) refuse("the archive is cut short");
    out.resize(static_cast<std::size_t>(size));
    return out;
}

bool TarReader::read_header(TarEntry& entry, Extended& extended) {
    HeaderBlock header;
    for (int metas = 0;; ++metas) {
        if (metas > limits::kMaxMetaHeaders) refuse("too many extended headers before one entry");
        if (!read_block(header.bytes)) {
            if (metas > 0) refuse("the archive ends after an extended header");
            return false;
        }
        if (header.is_zero()) {
            if (metas > 0) refuse("the archive ends after an extended header");
            // The end is two blocks of zeros, or one at the very end.
            if (read_block(header.bytes) && !header.is_zero()) refuse("a block of zeros is followed by more");
            return false;
        }
        header.check_sum();
        const std::uint64_t size = header.number(124, 12, "size");
        if (size > kLargestSize) refuse("size is too large");
        switch (header.type()) {
            case 'x': extended.parse(read_meta(size, "pax header"), false); continue;
            case 'g': extended.parse(read_meta(size, "global pax header"), true); continue;
            case 'L':
            case 'K': {
                std::string text = read_meta(size, "long name");
                text.resize(std::min(text.find('\0'), text.size()));
                (header.type() == 'L' ? extended.gnu_name : extended.gnu_link) = std::move(text);
                continue;
            }
            default: break;
        }
        entry.name = header.name();
        entry.link = header.text(157, 100);
        entry.size = size;
        entry.mode = static_cast<unsigned>(header.number(100, 8, "mode") & 07777U);
        entry.uid = header.number(108, 8, "uid");
        entry.gid = header.number(116, 8, "gid");
        const std::optional<TarKind> kind = kind_of(header.type());
        if (!kind) refuse("entry " + quote(entry.name) + " is of unknown type " + quote(header.raw(156, 1)));
        entry.kind = *kind;
        if (header.type() == 'S') read_gnu_sparse(header);
        // The seventh edition had no type for directories.
        if (header.type() == '\0' && entry.name.ends_with('/')) entry.kind = TarKind::directory;
        return true;
    }
}

bool TarReader::next(TarEntry& entry) {
    skip_data();
    entry = {};
    Extended extended;
    sparse_.reset();
    if (!read_header(entry, extended)) return false;

    if (extended.path) entry.name = *extended.path;
    if (extended.gnu_name) entry.name = *extended.gnu_name;
    if (entry.name.empty()) refuse("an entry has no name");
    if (extended.link) entry.link = *extended.link;
    if (extended.gnu_link) entry.link = *extended.gnu_link;
    if (entry.kind != TarKind::symlink && entry.kind != TarKind::hard_link) entry.link.clear();
    if (extended.uid) entry.uid = *extended.uid;
    if (extended.gid) entry.gid = *extended.gid;
    entry.xattrs = std::move(extended.xattrs);
    if (extended.size) {
        // Honest writers put 0 or the largest number there when the record is needed. A reader that knows no pax goes
        // by the field, and would find other entries in the same archive.
        if (entry.size != 0 && entry.size != kFullSizeField && entry.size != *extended.size) {
            refuse("entry " + quote(entry.name) + " has two sizes, " + std::to_string(entry.size) + " and " +
                   std::to_string(*extended.size));
        }
        entry.size = *extended.size;
    }
    // Old writers put the size of a linked file, or of a directory, into headers that no data follows.
    if (entry.kind != TarKind::regular) entry.size = 0;
    left_ = entry.size;
    padding_ = (kBlock - entry.size % kBlock) % kBlock;
    if (sparse_ || extended.sparse.any()) begin_sparse(entry, extended);
    return true;
}

/// The oldest form: four pieces in the header, 21 in each block that follows it.
void TarReader::read_gnu_sparse(const HeaderBlock& header) {
    if (!header.is_gnu()) refuse("a sparse file, and not by GNU tar");
    sparse_.emplace();
    sparse_->size = header.number(483, 12, "size of a sparse file");
    const auto add_from = [this](const HeaderBlock& block, std::size_t at, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i, at += 24) {
            if (block.raw(at, 1)[0] == '\0') return;  // the list may end early
            const std::uint64_t offset = block.number(at, 12, "offset");
            add_chunk(*sparse_, offset, block.number(at + 12, 12, "length"));
        }
    };
    add_from(header, 386, 4);
    bool more = header.raw(482, 1)[0] != '\0';
    while (more) {
        HeaderBlock block;
        if (!read_block(block.bytes)) refuse("the archive is cut short");
        add_from(block, 0, 21);
        more = block.raw(504, 1)[0] != '\0';
    }
}

/// Version 1.0: how many pieces, then offset and length of each, a number a line; up to the end of a block.
void TarReader::read_map_in_data() {
    std::string text;
    std::size_t at = 0;
    const auto next_number = [&] {
        for (;;) {
            if (const std::size_t end = text.find('\n', at); end != std::string::npos) {
                const std::uint64_t out = sparse_number(std::string_view(text).substr(at, end - at));
                at = end + 1;
                return out;
            }
            if (text.size() - at > 20) refuse("the map of a sparse file is damaged");
            text.erase(0, at);
            at = 0;
            HeaderBlock block;
            if (left_ < kBlock || !read_block(block.bytes)) refuse("the map of a sparse file is cut short");
            left_ -= kBlock;
            text += block.raw(0, kBlock);
        }
    };
    for (std::uint64_t count = next_number(); count > 0; --count) {
        const std::uint64_t offset = next_number();
        add_chunk(*sparse_, offset, next_number());
    }
}

void TarReader::begin_sparse(TarEntry& entry, Extended& extended) {
    SparseRecords& records = extended.sparse;
    if (sparse_ && records.any()) refuse("entry " + quote(entry.name) + " is sparse in two ways");
    if (entry.kind != TarKind::regular) refuse("entry " + quote(entry.name) + " is sparse and no file");
    if (!sparse_) {
        sparse_.emplace();
        sparse_->size = records.size_or(entry.size);
        if (records.has_map_in_data()) {
            read_map_in_data();
        } else {
            for (std::size_t i = 0; i + 1 < records.numbers.size(); i += 2) {
                add_chunk(*sparse_, records.numbers[i], records.numbers[i + 1]);
            }
        }
        if (records.name) entry.name = *records.name;
    }
    while_doing([&] { return "entry " + quote(entry.name); }, [&] { check_sparse_map(*sparse_, left_); });
    hole_bytes_ += sparse_->size - left_;
    if (hole_bytes_ > limits::kMaxHoleBytes) {
        refuse("entry " + quote(entry.name) + ": the holes of sparse files have more than the " +
               std::to_string(limits::kMaxHoleBytes) + " bytes allowed");
    }
    entry.size = sparse_->size;
    entry.is_sparse = true;
    chunk_ = 0;
    at_ = 0;
}

std::size_t TarReader::read_sparse(std::span<std::byte> buffer) {
    const std::vector<SparseChunk>& chunks = sparse_->chunks;
    while (chunk_ < chunks.size() && at_ >= chunks[chunk_].offset + chunks[chunk_].length) ++chunk_;
    const bool in_hole = chunk_ == chunks.size() || at_ < chunks[chunk_].offset;
    const std::uint64_t end = chunk_ == chunks.size() ? sparse_->size
                              : in_hole               ? chunks[chunk_].offset
                                                      : chunks[chunk_].offset + chunks[chunk_].length;
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at_));
    if (want == 0) return 0;
    std::size_t got = want;
    if (in_hole) {
        std::ranges::fill(buffer.first(want), std::byte{0});
    } else {
        got = read_stored(buffer.first(want));
    }
    at_ += got;
    return got;
}

std::size_t TarReader::read(std::span<std::byte> buffer) { return sparse_ ? read_sparse(buffer) : read_stored(buffer); }

std::size_t TarReader::read_stored(std::span<std::byte> buffer) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_));
    if (want == 0) return 0;
    const std::size_t got = in_.read(buffer.first(want));
    if (got == 0) refuse("the archive is cut short");
    left_ -= got;
    position_ += got;
    return got;
}

}  // namespace smith::ocilayout
