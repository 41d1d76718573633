// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/tar_writer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

#include "base/error.h"
#include "base/fd.h"
#include "base/utf8.h"

namespace smith::ocilayout {

namespace {

constexpr std::size_t kBlock = 512;
using Block = std::array<char, kBlock>;

// Fields of the ustar header block (pax(1), "ustar Interchange Format"): offset and length.
struct Field {
    std::size_t offset;
    std::size_t length;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kMtime{136, 12};
constexpr Field kChecksum{148, 8};
constexpr Field kType{156, 1};
constexpr Field kLinkName{157, 100};
constexpr Field kMagicAndVersion{257, 8};
constexpr Field kDeviceMajor{329, 8};
constexpr Field kDeviceMinor{337, 8};
constexpr Field kPrefix{345, 155};

constexpr char kTypeFile = '0';
constexpr char kTypeHardLink = '1';
constexpr char kTypeSymlink = '2';
constexpr char kTypeDirectory = '5';
constexpr char kTypePax = 'x';

void put_text(Block& block, Field field, std::string_view text) {
    assert(text.size() <= field.length);
    static_cast<void>(text.copy(block.data() + field.offset, text.size()));
}

/// A number of a field of `length` bytes is octal digits and a NUL.
bool fits(Field field, std::uint64_t value) { return value < (std::uint64_t{1} << (3 * (field.length - 1))); }

void put_octal(Block& block, Field field, std::uint64_t value) {
    assert(fits(field, value));
    for (std::size_t i = field.length - 1; i-- > 0;) {
        block[field.offset + i] = static_cast<char>('0' + (value & 7U));
        value >>= 3U;
    }
}

void put_checksum(Block& block) {
    unsigned sum = 8 * unsigned{' '};
    for (const char c : block) sum += static_cast<unsigned char>(c);
    // Six digits, NUL, space: this field alone ends so, since the seventh edition.
    put_octal(block, {kChecksum.offset, 7}, sum);
    block[kChecksum.offset + 7] = ' ';
}

/// Where a long name can be cut so that both parts fit: the prefix, without the slash that joins them.
std::optional<std::size_t> prefix_length(std::string_view name) {
    // A trailing slash belongs to the last component, which may not be empty.
    const std::size_t slash = name.substr(0, std::min(name.size() - 1, kPrefix.length + 1)).rfind('/');
    if (slash == std::string_view::npos || slash == 0 || name.size() - slash - 1 > kName.length) return std::nullopt;
    return slash;
}

/// "<length> <key>=<value>\n", where the length counts its own digits.
std::string pax_record(std::string_view key, std::string_view value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + 1;
    while (std::to_string(length).size() + rest != length) ++length;
    return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

}  // namespace

struct TarWriter::Header {
    std::string_view name;
    char type = kTypeFile;
    unsigned mode = 0;
    Owner owner;
    std::uint64_t size = 0;
    std::string_view link;

    [[nodiscard]] bool name_fits() const { return name.size() <= kName.length || prefix_length(name).has_value(); }

    /// What ustar can't say about this entry; empty when it can say all.
    [[nodiscard]] std::string pax_records() const {
        std::string out;
        if (!name_fits()) out += pax_record("path", name);
        if (link.size() > kLinkName.length) out += pax_record("linkpath", link);
        // By the standard the records are UTF-8; these bytes are not, and this is how it wants to be told.
        if (!out.empty() && !is_utf8(out)) out.insert(0, pax_record("hdrcharset", "BINARY"));
        if (!fits(kSize, size)) out += pax_record("size", std::to_string(size));
        if (!fits(kUid, owner.uid)) out += pax_record("uid", std::to_string(owner.uid));
        if (!fits(kGid, owner.gid)) out += pax_record("gid", std::to_string(owner.gid));
        return out;
    }

    /// Where pax records say it better, the field holds what fits: a cut name, or 0.
    [[nodiscard]] Block block() const {
        Block out{};
        std::string_view last = name;
        if (name.size() > kName.length) {
            if (const auto cut = prefix_length(name)) {
                put_text(out, kPrefix, name.substr(0, *cut));
                last = name.substr(*cut + 1);
            }
        }
        put_text(out, kName, last.substr(0, kName.length));
        put_octal(out, kMode, mode);
        put_octal(out, kUid, fits(kUid, owner.uid) ? owner.uid : 0);
        put_octal(out, kGid, fits(kGid, owner.gid) ? owner.gid : 0);
        put_octal(out, kSize, fits(kSize, size) ? size : 0);
        put_octal(out, kMtime, 0);
        out[kType.offset] = type;
        put_text(out, kLinkName, link.substr(0, kLinkName.length));
        put_text(out, kMagicAndVersion, std::string_view("ustar\00000", 8));
        put_octal(out, kDeviceMajor, 0);
        put_octal(out, kDeviceMinor, 0);
        put_checksum(out);
        return out;
    }
};

void TarWriter::write_pax(const Header& header) {
    const std::string records = header.pax_records();
    if (records.empty()) return;
    // The name is for readers that don't know pax: they make a file of the records, out of the way.
    std::string name = "PaxHeaders/" + std::string(header.name.substr(0, header.name.find_last_not_of('/') + 1));
    name = name.substr(0, kName.length);
    name.resize(name.find_last_not_of('/') + 1);
    const Block block = Header{name, kTypePax, 0644, Owner{0, 0}, records.size(), {}}.block();
    out_(as_bytes(std::string_view(block.data(), block.size())));
    out_(as_bytes(records));
    pad(records.size());
}

void TarWriter::write_entry(const Header& header) {
    assert(missing_ == 0 && !header.name.empty() && !header.name.starts_with('/'));
    write_pax(header);
    const Block block = header.block();
    out_(as_bytes(std::string_view(block.data(), block.size())));
}

void TarWriter::pad(std::uint64_t size) {
    static constexpr Block zeros{};
    const auto over = static_cast<std::size_t>(size % kBlock);
    if (over != 0) out_(as_bytes(std::string_view(zeros.data(), kBlock - over)));
}

void TarWriter::directory(std::string_view name, unsigned mode, Owner owner) {
    const std::string with_slash = std::string(name) + "/";
    write_entry({with_slash, kTypeDirectory, mode, owner, 0, {}});
}

void TarWriter::symlink(std::string_view name, std::string_view target, Owner owner) {
    write_entry({name, kTypeSymlink, 0777, owner, 0, target});
}

void TarWriter::hard_link(std::string_view name, std::string_view target, unsigned mode, Owner owner) {
    write_entry({name, kTypeHardLink, mode, owner, 0, target});
}

void TarWriter::begin_file(std::string_view name, std::uint64_t size, unsigned mode, Owner owner) {
    write_entry({name, kTypeFile, mode, owner, size, {}});
    missing_ = size;
    file_size_ = size;
}

void TarWriter::data(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    if (bytes.size() > missing_) {
        throw Error(ErrorKind::integrity,
                    "a file has more bytes than the " + std::to_string(file_size_) + " announced");
    }
    out_(bytes);
    missing_ -= bytes.size();
    if (missing_ == 0) pad(file_size_);
}

void TarWriter::file(std::string_view name, std::string_view bytes, unsigned mode, Owner owner) {
    begin_file(name, bytes.size(), mode, owner);
    data(as_bytes(bytes));
}

void TarWriter::finish() {
    assert(missing_ == 0);
    static constexpr std::array<char, 2 * kBlock> zeros{};
    out_(as_bytes(std::string_view(zeros.data(), zeros.size())));
}

}  // namespace smith::ocilayout
