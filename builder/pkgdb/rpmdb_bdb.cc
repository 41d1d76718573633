// SPDX-License-Identifier: Apache-2.0
//
// All pages of a hash one after the other, without the hash: a header is a value, and values too large for a page, as
// headers are, continue on overflow pages (Berkeley DB, dbinc/db_page.h). In the byte order of whoever wrote it.
#include <algorithm>

#include "base/error.h"
#include "builder/pkgdb/bounds.h"
#include "builder/pkgdb/byte_view.h"
#include "builder/pkgdb/rpmdb.h"

namespace smith::pkgdb {

namespace {

constexpr std::uint32_t kHashMagic = 0x061561;
constexpr std::uint64_t kPageHeaderBytes = 26;
constexpr std::uint8_t kHashUnsorted = 2;
constexpr std::uint8_t kOverflow = 7;
constexpr std::uint8_t kHashMeta = 8;
constexpr std::uint8_t kHash = 13;
constexpr std::uint8_t kKeyData = 1;
constexpr std::uint8_t kOffPage = 3;
// The value under key 0 is no header but the number that comes next.
constexpr std::uint64_t kLeastHeaderBytes = 16;

[[noreturn]] void damaged(const char* what) { throw Error(ErrorKind::format, std::string("damaged: ") + what); }

class Hash {
public:
    explicit Hash(const ByteView& all) : all_(all), page_bytes_(all.u32(20)), last_page_(all.u32(32)) {
        if (page_bytes_ < 512 || page_bytes_ > 65536 || (page_bytes_ & (page_bytes_ - 1)) != 0) {
            damaged("the size of a page");
        }
        if (all.u8(25) != kHashMeta) damaged("it is no hash");
        if (all.u8(24) != 0) damaged("it is encrypted");
        left_ = all.size();
    }

    void read(const FoundHeader& found) {
        for (std::uint64_t number = 1; number <= last_page_; ++number) {
            if ((number + 1) * page_bytes_ > all_.size()) break;  // allocated, and never written
            const ByteView bytes = page(number);
            const std::uint8_t type = bytes.u8(25);
            if (type == kHash || type == kHashUnsorted) read_page(bytes, found);
        }
    }

private:
    [[nodiscard]] ByteView page(std::uint64_t number) const { return all_.part(number * page_bytes_, page_bytes_); }

    void read_page(const ByteView& bytes, const FoundHeader& found) {
        const std::uint32_t entries = bytes.u16(20);
        // Keys and values alternate; each begins where its index says, and ends where the one before it begins.
        for (std::uint32_t i = 1; i < entries; i += 2) {
            const std::uint64_t begin = bytes.u16(kPageHeaderBytes + std::uint64_t{2} * i);
            const std::uint64_t end = bytes.u16(kPageHeaderBytes + std::uint64_t{2} * (i - 1));
            if (end <= begin) damaged("an item");
            const ByteView item = bytes.part(begin, end - begin);
            if (item.u8(0) == kKeyData && item.size() > kLeastHeaderBytes) {
                found(item.part(1, item.size() - 1).bytes());
            } else if (item.u8(0) == kOffPage) {
                const std::vector<std::byte> value = read_overflow(item.u32(4), item.u32(8));
                found(value);
            }
        }
    }

    std::vector<std::byte> read_overflow(std::uint32_t number, std::uint64_t size) {
        // Honest values share no pages: together they can't have more than the file.
        if (size > left_ || size > limits::kMaxHeaderBlobBytes) damaged("values that overlap");
        left_ -= size;
        std::vector<std::byte> out;
        out.reserve(size);
        while (out.size() < size) {
            const ByteView bytes = page(number);
            if (number == 0 || bytes.u8(25) != kOverflow) damaged("an overflow page");
            const std::uint64_t here = std::min<std::uint64_t>(bytes.u16(22), size - out.size());
            if (here == 0) damaged("an empty overflow page");
            const ByteView part = bytes.part(kPageHeaderBytes, here);
            out.insert(out.end(), part.bytes().begin(), part.bytes().end());
            number = bytes.u32(16);
        }
        return out;
    }

    ByteView all_;
    std::uint64_t page_bytes_;
    std::uint64_t last_page_;
    std::uint64_t left_ = 0;
};

}  // namespace

void read_rpmdb_bdb(std::span<const std::byte> bytes, const FoundHeader& found) {
    const ByteOrder order =
        ByteView(bytes, ByteOrder::little).u32(12) == kHashMagic ? ByteOrder::little : ByteOrder::big;
    Hash(ByteView(bytes, order)).read(found);
}

void read_rpmdb(std::span<const std::byte> database, const FoundHeader& found) {
    const ByteView all(database, ByteOrder::little);
    constexpr std::uint64_t kLeastBytes = 36;
    if (all.size() < kLeastBytes) damaged("it is too short");
    if (all.size() > limits::kMaxDatabaseBytes) damaged("it is too large");
    if (all.part(0, 16).text() == std::string_view("SQLite format 3\0", 16)) return read_rpmdb_sqlite(database, found);
    if (all.part(0, 4).text() == "RpmP") return read_rpmdb_ndb(database, found);
    const bool is_hash = all.u32(12) == kHashMagic || ByteView(database, ByteOrder::big).u32(12) == kHashMagic;
    if (is_hash) return read_rpmdb_bdb(database, found);
    damaged("it is neither SQLite, nor ndb, nor a hash of Berkeley DB");
}

}  // namespace smith::pkgdb
