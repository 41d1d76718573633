// SPDX-License-Identifier: Apache-2.0
//
// Slots that say where blobs are (rpm, lib/backend/ndb/rpmpkg.c).
#include "base/error.h"
#include "builder/pkgdb/bounds.h"
#include "builder/pkgdb/byte_view.h"
#include "builder/pkgdb/rpmdb.h"

namespace smith::pkgdb {

namespace {

constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kSlotBytes = 16;
constexpr std::uint64_t kHeaderBytes = 32;
constexpr std::uint64_t kBlockBytes = 16;
constexpr std::uint64_t kBlobHeadBytes = 16;
constexpr std::uint32_t kSlotMagic = 0x746f6c53;      // "Slot"
constexpr std::uint32_t kBlobHeadMagic = 0x53626c42;  // "BlbS"

[[noreturn]] void damaged(const char* what) { throw Error(ErrorKind::format, std::string("damaged: ") + what); }

}  // namespace

void read_rpmdb_ndb(std::span<const std::byte> bytes, const FoundHeader& found) {
    const ByteView all(bytes, ByteOrder::little);
    if (all.u32(4) != 0) damaged("its version is not 0");
    const std::uint64_t slots_end = std::uint64_t{all.u32(12)} * kPageBytes;
    if (slots_end > all.size()) damaged("its slots are beyond its end");
    // Honest slots share no bytes: together they can't have more than the file.
    std::uint64_t left = all.size();
    for (std::uint64_t at = kHeaderBytes; at + kSlotBytes <= slots_end; at += kSlotBytes) {
        const ByteView slot = all.part(at, kSlotBytes);
        if (slot.u32(0) != kSlotMagic) damaged("a slot");
        const std::uint32_t package = slot.u32(4);
        const std::uint64_t offset = std::uint64_t{slot.u32(8)} * kBlockBytes;
        if (package == 0 || offset == 0) continue;  // free
        const ByteView head = all.part(offset, kBlobHeadBytes);
        if (head.u32(0) != kBlobHeadMagic || head.u32(4) != package) damaged("a blob");
        const std::uint64_t length = head.u32(12);
        if (length > left) damaged("blobs that overlap");
        left -= length;
        found(all.part(offset + kBlobHeadBytes, length).bytes());
    }
}

}  // namespace smith::pkgdb
