// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/ld_so_cache.h"

#include <elf.h>

#include <algorithm>
#include <optional>

#include "base/bounds.h"
#include "base/error.h"

namespace smith::elf {

namespace {

constexpr std::string_view kOldMagic = "ld.so-1.7.0";
constexpr std::string_view kNewMagic = "glibc-ld.so.cache1.1";
constexpr std::size_t kOldHeaderBytes = 16;  // the magic, padded, and the number of entries
constexpr std::size_t kOldEntryBytes = 12;
constexpr std::size_t kHeaderBytes = 48;
constexpr std::size_t kEntryBytes = 24;
// cache_file_new_flags_endian_*: 2 is little, 3 is big.
constexpr std::size_t kEndianAt = 28;

/// FLAG_ELF_LIBC6 and what the port adds to it (_DL_CACHE_DEFAULT_ID in sysdeps/unix/sysv/linux/*/dl-cache.h).
std::uint32_t cache_flags(const Abi& abi) {
    constexpr std::uint32_t elf_libc6 = 0x0003;
    const bool is64 = abi.elf_class == Class::bits64;
    switch (abi.machine) {
        case EM_X86_64: return elf_libc6 | (is64 ? 0x0300U : 0x0800U);
        case EM_AARCH64: return elf_libc6 | 0x0a00U;
        case EM_ARM: return elf_libc6 | 0x0900U;
        case EM_PPC64: return elf_libc6 | 0x0500U;
        case EM_S390: return elf_libc6 | (is64 ? 0x0400U : 0U);
        case EM_SPARCV9: return elf_libc6 | 0x0100U;
        case EM_RISCV: return elf_libc6 | ((abi.flags & 6U) == 4U ? 0x1000U : 0x0f00U);
        case EM_MIPS: return elf_libc6 | (is64 ? 0x0700U : 0U);
        case 258 /* EM_LOONGARCH */: return elf_libc6 | 0x1100U;
        default: return elf_libc6;
    }
}

void append_number(std::string& out, std::uint64_t value, unsigned width, ByteOrder order) {
    for (unsigned i = 0; i < width; ++i) {
        const unsigned shift = 8 * (order == ByteOrder::little ? i : width - 1 - i);
        out += static_cast<char>(value >> shift & 0xffU);
    }
}

/// As glibc reads it: an int that wraps.
std::int32_t take_number(std::string_view& text) {
    std::uint32_t value = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        value = value * 10 + static_cast<std::uint32_t>(text.front() - '0');
        text.remove_prefix(1);
    }
    return static_cast<std::int32_t>(value);
}

bool is_digit_first(std::string_view text) { return !text.empty() && text.front() >= '0' && text.front() <= '9'; }

class CacheReader {
public:
    explicit CacheReader(std::string_view bytes) : bytes_(bytes) {}

    std::vector<CacheEntry> read() {
        skip_old_format();
        if (bytes_.size() < kHeaderBytes || !bytes_.starts_with(kNewMagic)) reject("has no known magic");
        const std::size_t most = (bytes_.size() - kHeaderBytes) / kEntryBytes;
        // glibc before 2.33 did not say: then whichever makes sense.
        if (bytes_[kEndianAt] == 2 || bytes_[kEndianAt] == 3)
            big_ = bytes_[kEndianAt] == 3;
        else if (u32(kNewMagic.size()) > most)
            big_ = !big_;
        const std::uint32_t count = u32(kNewMagic.size());
        if (count > most) reject("is shorter than its table");
        std::vector<CacheEntry> out;
        out.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t at = kHeaderBytes + i * kEntryBytes;
            out.push_back({string_at(u32(at + 4)), string_at(u32(at + 8)), {}});
        }
        return out;
    }

private:
    [[noreturn]] static void reject(const std::string& why) { throw Error(ErrorKind::format, "ld.so.cache " + why); }

    /// Caches of glibc before 2.32 begin with a table of the format before, with the new one behind it, aligned to 8.
    void skip_old_format() {
        if (!bytes_.starts_with(kOldMagic) || bytes_.size() < kOldHeaderBytes) return;
        for (const bool big : {false, true}) {
            big_ = big;
            const std::uint64_t count = u32(12);
            const std::uint64_t end = kOldHeaderBytes + count * kOldEntryBytes;
            const std::uint64_t aligned = (end + 7) / 8 * 8;
            if (aligned < bytes_.size() && bytes_.substr(aligned).starts_with(kNewMagic)) {
                bytes_.remove_prefix(aligned);
                return;
            }
        }
    }

    [[nodiscard]] std::uint32_t u32(std::size_t at) const {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            value = value << 8U | static_cast<unsigned char>(bytes_[at + (big_ ? i : 3 - i)]);
        }
        return value;
    }

    [[nodiscard]] std::string string_at(std::uint32_t offset) const {
        if (offset >= bytes_.size()) reject("names something beyond its end");
        const std::string_view rest = bytes_.substr(offset, limits::kMaxPathBytes + 1);
        const std::size_t nul = rest.find('\0');
        if (nul == std::string_view::npos) reject("has a name that does not end");
        return std::string(rest.substr(0, nul));
    }

    std::string_view bytes_;
    bool big_ = false;
};

}  // namespace

int compare_cache_names(std::string_view a, std::string_view b) {
    while (!a.empty()) {
        if (is_digit_first(a)) {
            if (!is_digit_first(b)) return 1;
            const std::int32_t x = take_number(a);
            const std::int32_t y = take_number(b);
            if (x != y) return x < y ? -1 : 1;
            continue;
        }
        if (is_digit_first(b)) return -1;
        if (b.empty() || a.front() != b.front()) {
            return b.empty() || a.front() > b.front() ? 1 : -1;
        }
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
    return b.empty() ? 0 : -1;
}

std::string make_ld_so_cache(std::vector<CacheEntry> entries) {
    std::sort(entries.begin(), entries.end());
    const auto same_key = [](const CacheEntry& a, const CacheEntry& b) {
        return a.soname == b.soname && a.abi == b.abi;
    };
    // Descending: search_cache goes left when a name is greater than the middle one.
    std::stable_sort(entries.begin(), entries.end(), [](const CacheEntry& a, const CacheEntry& b) {
        const int order = compare_cache_names(a.soname, b.soname);
        return order != 0 ? order > 0 : cache_flags(a.abi) > cache_flags(b.abi);
    });
    entries.erase(std::unique(entries.begin(), entries.end(), same_key), entries.end());

    const ByteOrder order = entries.empty() ? ByteOrder::little : entries.front().abi.byte_order;
    const std::uint64_t strings_at = kHeaderBytes + entries.size() * kEntryBytes;
    std::string table;
    std::string strings;
    for (const CacheEntry& entry : entries) {
        append_number(table, cache_flags(entry.abi), 4, order);
        append_number(table, strings_at + strings.size(), 4, order);
        strings += entry.soname + '\0';
        append_number(table, strings_at + strings.size(), 4, order);
        strings += entry.path + '\0';
        append_number(table, 0, 4, order);  // osversion: of any kernel
        append_number(table, 0, 8, order);  // hwcap: for any processor
    }

    std::string out(kNewMagic);
    append_number(out, entries.size(), 4, order);
    append_number(out, strings.size(), 4, order);
    out += order == ByteOrder::little ? '\x02' : '\x03';
    out.append(kHeaderBytes - out.size(), '\0');  // padding, no extensions, unused
    return out + table + strings;
}

std::vector<CacheEntry> read_ld_so_cache(std::span<const std::byte> bytes) {
    return CacheReader(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())).read();
}

}  // namespace smith::elf
