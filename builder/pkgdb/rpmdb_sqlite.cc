// SPDX-License-Identifier: Apache-2.0
//
// Walks the B-tree of the table "Packages" (sqlite.org/fileformat2.html). Indexes, free pages and all other tables are
// not looked at.
#include <algorithm>
#include <set>
#include <string_view>

#include "base/error.h"
#include "builder/pkgdb/bounds.h"
#include "builder/pkgdb/byte_view.h"
#include "builder/pkgdb/rpmdb.h"

namespace smith::pkgdb {

namespace {

constexpr std::uint64_t kDatabaseHeaderBytes = 100;
constexpr std::uint8_t kInteriorTable = 0x05;
constexpr std::uint8_t kLeafTable = 0x0d;

[[noreturn]] void damaged(const char* what) { throw Error(ErrorKind::format, std::string("damaged: ") + what); }

/// Big-endian, seven bits a byte, all eight of the ninth.
std::uint64_t read_varint(const ByteView& bytes, std::uint64_t& at) {
    std::uint64_t out = 0;
    for (int i = 0; i < 9; ++i) {
        const std::uint8_t next = bytes.u8(at++);
        if (i == 8) return (out << 8U) | next;
        out = (out << 7U) | (next & 0x7fU);
        if (next < 0x80) break;
    }
    return out;
}

std::uint64_t serial_type_bytes(std::uint64_t type) {
    constexpr std::uint64_t fixed[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
    if (type < std::size(fixed)) return fixed[type];
    return type < 12 ? 0 : (type - 12) / 2;
}

class Database {
public:
    explicit Database(std::span<const std::byte> bytes) : all_(bytes) {
        page_bytes_ = all_.u16(16);
        if (page_bytes_ == 1) page_bytes_ = 65536;
        if (page_bytes_ < 512 || (page_bytes_ & (page_bytes_ - 1)) != 0) damaged("the size of a page");
        const std::uint64_t reserved = all_.u8(20);
        usable_ = page_bytes_ - reserved;
        if (usable_ < 480) damaged("the size of a page");
    }

    using FoundRow = std::function<void(const ByteView& payload)>;

    void walk(std::uint32_t page, const FoundRow& found) {
        seen_.clear();
        walk_page(page, found, 0);
    }

    /// The bytes of a column of a record; an integer as it is stored.
    static std::pair<std::uint64_t, ByteView> column(const ByteView& record, std::size_t index) {
        std::uint64_t at = 0;
        const std::uint64_t header_bytes = read_varint(record, at);
        std::uint64_t data = header_bytes;
        for (std::size_t i = 0; at < header_bytes; ++i) {
            const std::uint64_t type = read_varint(record, at);
            const std::uint64_t size = serial_type_bytes(type);
            if (i == index) return {type, record.part(data, size)};
            if (size > record.size()) break;
            data += size;
        }
        damaged("a record");
    }

private:
    [[nodiscard]] ByteView page(std::uint32_t number) const {
        if (number == 0) damaged("page 0");
        return all_.part((std::uint64_t{number} - 1) * page_bytes_, page_bytes_);
    }

    void walk_page(std::uint32_t number, const FoundRow& found, int depth) {
        // A page twice in one tree is a circle, or a bomb.
        if (depth > limits::kMaxTreeDepth || !seen_.insert(number).second) damaged("a tree that is none");
        const ByteView bytes = page(number);
        const std::uint64_t header = number == 1 ? kDatabaseHeaderBytes : 0;
        const std::uint8_t type = bytes.u8(header);
        if (type != kInteriorTable && type != kLeafTable) damaged("a page of another kind");
        const std::uint32_t cells = bytes.u16(header + 3);
        const std::uint64_t pointers = header + (type == kLeafTable ? 8 : 12);
        for (std::uint32_t i = 0; i < cells; ++i) {
            const std::uint64_t cell = bytes.u16(pointers + std::uint64_t{2} * i);
            if (type == kInteriorTable) {
                walk_page(bytes.u32(cell), found, depth + 1);
            } else {
                read_row(bytes, cell, found);
            }
        }
        if (type == kInteriorTable) walk_page(bytes.u32(header + 8), found, depth + 1);
    }

    void read_row(const ByteView& bytes, std::uint64_t at, const FoundRow& found) {
        const std::uint64_t size = read_varint(bytes, at);
        static_cast<void>(read_varint(bytes, at));  // the row's number
        if (size > limits::kMaxHeaderBlobBytes || size > all_.size()) damaged("a row that is larger than all");
        // "B-tree Cell Format": how much of it is on the page itself.
        const std::uint64_t most = usable_ - 35;
        if (size <= most) return found(bytes.part(at, size));
        const std::uint64_t least = (usable_ - 12) * 32 / 255 - 23;
        const std::uint64_t rest = least + (size - least) % (usable_ - 4);
        const std::uint64_t local = rest <= most ? rest : least;
        std::vector<std::byte> payload;
        payload.reserve(size);
        const auto append = [&](const ByteView& part) {
            payload.insert(payload.end(), part.bytes().begin(), part.bytes().end());
        };
        append(bytes.part(at, local));
        std::uint32_t next = bytes.u32(at + local);
        while (payload.size() < size) {
            const ByteView overflow = page(next);
            append(overflow.part(4, std::min<std::uint64_t>(usable_ - 4, size - payload.size())));
            next = overflow.u32(0);
        }
        found(ByteView(payload));
    }

    ByteView all_;
    std::uint64_t page_bytes_ = 0;
    std::uint64_t usable_ = 0;
    std::set<std::uint32_t> seen_;
};

}  // namespace

void read_rpmdb_sqlite(std::span<const std::byte> bytes, const FoundHeader& found) {
    Database database(bytes);
    std::uint32_t root = 0;
    // sqlite_schema: type, name, tbl_name, rootpage, sql.
    database.walk(1, [&](const ByteView& row) {
        if (Database::column(row, 0).second.text() != "table") return;
        if (Database::column(row, 1).second.text() != "Packages") return;
        const auto [type, value] = Database::column(row, 3);
        if (type < 1 || type > 4) damaged("the root of a table");
        root = 0;
        for (std::uint64_t i = 0; i < value.size(); ++i) root = (root << 8U) | value.u8(i);
    });
    if (root == 0) damaged("it has no table 'Packages'");
    // Packages: hnum, which is the row's number, and blob.
    database.walk(root, [&](const ByteView& row) {
        const auto [type, value] = Database::column(row, 1);
        if (type >= 12 && type % 2 == 0) found(value.bytes());
    });
}

}  // namespace smith::pkgdb
