// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/elf_file.h"

#include <elf.h>

#include <algorithm>
#include <array>

#include "base/bounds.h"
#include "base/error.h"
#include "builder/elf/dlopen_note.h"

namespace smith::elf {

namespace {

// Chromium's component build, the longest list known, has about 600.
constexpr std::size_t kMaxNeeded = 10'000;
// systemd, the largest user, has some 40.
constexpr std::size_t kMaxDlopenNotes = 10'000;
// Linkers write at most four: by alignment, and one for .note.gnu.property.
constexpr std::size_t kMaxNoteSegments = 64;

// Not in the <elf.h> of glibc 2.36.
constexpr std::uint32_t kRiscvFloatAbi = 0x0006;
constexpr std::uint32_t kRiscvRve = 0x0008;
constexpr std::uint32_t kMipsNan2008 = 0x0400;
constexpr std::uint32_t kMipsAbi2 = 0x0020;
constexpr std::uint32_t kPpc64Abi = 0x0003;

[[noreturn]] void reject(const std::string& why) { throw Error(ErrorKind::format, "broken ELF file: " + why); }

/// Numbers of a file, by offset. Every access is compared against what is left of the file; an offset is 64 bit and
/// may be anything.
class Reader {
public:
    Reader(std::span<const std::byte> bytes, Class elf_class, ByteOrder order)
        : bytes_(bytes), is64_(elf_class == Class::bits64), big_(order == ByteOrder::big) {}

    [[nodiscard]] bool is64() const noexcept { return is64_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] bool has(std::uint64_t at, std::uint64_t count) const noexcept {
        return at <= bytes_.size() && count <= bytes_.size() - at;
    }
    [[nodiscard]] std::span<const std::byte> slice(std::uint64_t at, std::uint64_t count, const char* what) const {
        if (!has(at, count)) reject(std::string(what) + " leaves the file");
        return bytes_.subspan(at, count);
    }

    [[nodiscard]] std::uint16_t u16(std::uint64_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
    [[nodiscard]] std::uint32_t u32(std::uint64_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
    /// An address, an offset or a size: 4 or 8 bytes by the class of the file.
    [[nodiscard]] std::uint64_t word(std::uint64_t at) const { return number(at, is64_ ? 8 : 4); }
    /// The first number for 32 bit, the second for 64.
    [[nodiscard]] std::uint64_t by_class(std::uint64_t bits32, std::uint64_t bits64) const noexcept {
        return is64_ ? bits64 : bits32;
    }

private:
    [[nodiscard]] std::uint64_t number(std::uint64_t at, unsigned width) const {
        if (!has(at, width)) reject("a header leaves the file");
        std::uint64_t value = 0;
        for (unsigned i = 0; i < width; ++i) {
            const unsigned from = big_ ? i : width - 1 - i;
            value = value << 8U | std::to_integer<std::uint64_t>(bytes_[at + from]);
        }
        return value;
    }

    std::span<const std::byte> bytes_;
    bool is64_;
    bool big_;
};

struct Segment {
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
    std::uint64_t address = 0;
    std::uint64_t file_size = 0;
    std::uint64_t align = 0;
};

std::vector<Segment> read_segments(const Reader& file) {
    const std::uint64_t table = file.word(file.by_class(28, 32));
    const std::uint16_t entry_size = file.u16(file.by_class(42, 54));
    const std::uint16_t count = file.u16(file.by_class(44, 56));
    if (count == 0) return {};
    const std::uint64_t expected = file.by_class(sizeof(Elf32_Phdr), sizeof(Elf64_Phdr));
    if (entry_size != expected) {
        reject("program headers of " + std::to_string(entry_size) + " bytes, expected " + std::to_string(expected));
    }
    static_cast<void>(file.slice(table, std::uint64_t{count} * entry_size, "the table of program headers"));

    std::vector<Segment> out(count);
    std::uint64_t at = table;
    for (Segment& segment : out) {
        segment.type = file.u32(at);
        segment.offset = file.word(at + file.by_class(4, 8));
        segment.address = file.word(at + file.by_class(8, 16));
        segment.file_size = file.word(at + file.by_class(16, 32));
        segment.align = file.word(at + file.by_class(28, 48));
        at += entry_size;
    }
    return out;
}

const Segment* find_segment(const std::vector<Segment>& segments, std::uint32_t type) {
    const auto it = std::find_if(segments.begin(), segments.end(), [&](const Segment& s) { return s.type == type; });
    return it == segments.end() ? nullptr : &*it;
}

/// The bytes from `address` to the end of the file's part of the PT_LOAD segment that holds it, as an offset and a
/// length: what is behind the address once the file is mapped.
struct Mapped {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

std::optional<Mapped> map_address(const Reader& file, const std::vector<Segment>& segments, std::uint64_t address) {
    for (const Segment& segment : segments) {
        if (segment.type != PT_LOAD || address < segment.address) continue;
        const std::uint64_t skip = address - segment.address;
        if (skip >= segment.file_size || !file.has(segment.offset, segment.file_size)) continue;
        return Mapped{segment.offset + skip, segment.file_size - skip};
    }
    return std::nullopt;
}

/// True for a segment whose bytes went into another file: `objcopy --only-keep-debug` and eu-strip leave the program
/// headers of the original, and say only in the section headers (SHT_NOBITS) that nothing is behind them.
bool was_split_off(const Reader& file, const Segment& segment) {
    const std::uint64_t table = file.word(file.by_class(32, 40));
    const std::uint16_t entry_size = file.u16(file.by_class(46, 58));
    const std::uint16_t count = file.u16(file.by_class(48, 60));
    const std::uint64_t expected = file.by_class(sizeof(Elf32_Shdr), sizeof(Elf64_Shdr));
    // Broken section headers are no reason to refuse what ld.so would load.
    if (entry_size != expected || !file.has(table, std::uint64_t{count} * entry_size)) return false;
    for (std::uint64_t at = table, i = 0; i < count; ++i, at += entry_size) {
        const std::uint32_t type = file.u32(at + 4);
        if (type == SHT_NOBITS && file.word(at + file.by_class(12, 16)) == segment.address) return true;
    }
    return false;
}

/// The string at `at`, which must end before `end`.
std::string read_string(const Reader& file, std::uint64_t at, std::uint64_t end, const char* what) {
    const std::span<const std::byte> bytes = file.slice(at, end - at, what);
    const auto nul = std::find(bytes.begin(), bytes.end(), std::byte{0});
    if (nul == bytes.end()) reject(std::string(what) + " does not end");
    std::string out;
    out.reserve(static_cast<std::size_t>(nul - bytes.begin()));
    std::transform(bytes.begin(), nul, std::back_inserter(out), [](std::byte b) { return static_cast<char>(b); });
    return out;
}

/// The kernel's rules (load_elf_binary): by file offset, ending in NUL, at most PATH_MAX bytes.
std::string read_interpreter(const Reader& file, const Segment& segment) {
    if (segment.file_size < 2 || segment.file_size > limits::kMaxPathBytes + 1) {
        reject("an interpreter's name of " + std::to_string(segment.file_size) + " bytes");
    }
    static_cast<void>(file.slice(segment.offset, segment.file_size, "the interpreter's name"));
    return read_string(file, segment.offset, segment.offset + segment.file_size, "the interpreter's name");
}

// --- the dynamic section -------------------------------------------------------------------------------------------

/// What is in the dynamic section, before its strings are looked up: DT_STRTAB may come last.
struct Dynamic {
    std::optional<std::uint64_t> strings;
    std::vector<std::uint64_t> needed;
    std::vector<std::uint64_t> filters;
    std::vector<std::uint64_t> auxiliaries;
    std::optional<std::uint64_t> soname;
    std::optional<std::uint64_t> rpath;
    std::optional<std::uint64_t> runpath;
    std::uint64_t flags_1 = 0;
};

void add_bounded(std::vector<std::uint64_t>& list, std::uint64_t value) {
    if (list.size() >= kMaxNeeded) reject("more than " + std::to_string(kMaxNeeded) + " needed libraries");
    list.push_back(value);
}

/// `at` is where ld.so would find it: through the segment's address (l_ld), not its offset, and up to DT_NULL, whatever
/// the size of the segment says. Of a tag that comes twice the last one counts, as in elf_get_dynamic_info.
Dynamic read_dynamic(const Reader& file, Mapped at) {
    const std::uint64_t entry_size = file.by_class(sizeof(Elf32_Dyn), sizeof(Elf64_Dyn));
    // <elf.h> gives DT_AUXILIARY and its like as signed numbers of 32 bit; a tag of a 64 bit file is sign-extended.
    const std::uint64_t mask = file.by_class(0xffffffffU, ~std::uint64_t{0});
    const auto is = [&](std::uint64_t tag, std::int64_t constant) {
        return tag == (static_cast<std::uint64_t>(constant) & mask);
    };
    Dynamic out;
    for (; at.size >= entry_size; at.offset += entry_size, at.size -= entry_size) {
        const std::uint64_t tag = file.word(at.offset);
        const std::uint64_t value = file.word(at.offset + entry_size / 2);
        if (is(tag, DT_NULL)) return out;
        if (is(tag, DT_NEEDED)) add_bounded(out.needed, value);
        if (is(tag, DT_FILTER)) add_bounded(out.filters, value);
        if (is(tag, DT_AUXILIARY)) add_bounded(out.auxiliaries, value);
        if (is(tag, DT_STRTAB)) out.strings = value;
        if (is(tag, DT_SONAME)) out.soname = value;
        if (is(tag, DT_RPATH)) out.rpath = value;
        if (is(tag, DT_RUNPATH)) out.runpath = value;
        if (is(tag, DT_FLAGS_1)) out.flags_1 = value;
    }
    reject("the dynamic section does not end");
}

/// Looks up offsets in the table of DT_STRTAB. ld.so knows no end of that table but the mapping's, so neither do we.
class Strings {
public:
    Strings(const Reader& file, std::optional<Mapped> table) : file_(file), table_(table) {}

    [[nodiscard]] std::string at(std::uint64_t offset) const {
        if (!table_) reject("the table of strings is in no part of the file that is loaded");
        if (offset >= table_->size) reject("a name is beyond the table of strings");
        const std::uint64_t start = table_->offset + offset;
        // A longer name could not be opened. The bound keeps many names from all being one long string.
        const std::uint64_t longest = limits::kMaxPathBytes * 16;
        return read_string(file_, start, start + std::min(table_->size - offset, longest), "a name");
    }
    [[nodiscard]] std::optional<std::string> at(std::optional<std::uint64_t> offset) const {
        if (!offset) return std::nullopt;
        return at(*offset);
    }
    [[nodiscard]] std::vector<std::string> at(const std::vector<std::uint64_t>& offsets) const {
        std::vector<std::string> out;
        std::size_t total = 0;
        for (const std::uint64_t offset : offsets) {
            out.push_back(at(offset));
            total += out.back().size();
            if (total > limits::kMaxPathBytes * kMaxNeeded) reject("names of needed libraries beyond measure");
        }
        return out;
    }

private:
    const Reader& file_;
    std::optional<Mapped> table_;
};

void read_dynamic_section(const Reader& file, const std::vector<Segment>& segments, ElfFile& out) {
    const Segment* segment = find_segment(segments, PT_DYNAMIC);
    if (segment == nullptr || was_split_off(file, *segment)) return;
    const std::optional<Mapped> mapped = map_address(file, segments, segment->address);
    if (!mapped) reject("the dynamic section is in no part of the file that is loaded");

    const Dynamic dynamic = read_dynamic(file, *mapped);
    const Strings strings(file, dynamic.strings ? map_address(file, segments, *dynamic.strings) : std::nullopt);
    out.has_dynamic = true;
    out.needed = strings.at(dynamic.needed);
    out.filters = strings.at(dynamic.filters);
    out.auxiliaries = strings.at(dynamic.auxiliaries);
    out.soname = strings.at(dynamic.soname);
    out.rpath = strings.at(dynamic.rpath);
    out.runpath = strings.at(dynamic.runpath);
    out.no_default_libraries = (dynamic.flags_1 & DF_1_NODEFLIB) != 0;
    out.is_pie = (dynamic.flags_1 & DF_1_PIE) != 0;
}

// --- notes ---------------------------------------------------------------------------------------------------------

void add_dlopen_note(std::span<const std::byte> description, ElfFile& out) {
    std::string json;
    for (const std::byte b : description) json += static_cast<char>(b);
    while (json.ends_with('\0')) json.pop_back();
    try {
        for (DlopenNote& note : parse_dlopen_note(json)) {
            if (out.dlopen_notes.size() < kMaxDlopenNotes) out.dlopen_notes.push_back(std::move(note));
        }
    } catch (const Error& e) {
        out.oddities.push_back(e.message());
    }
}

/// Notes are advice: where one breaks the format, the rest of its segment is passed over, as the kernel does.
void read_notes(const Reader& file, const Segment& segment, ElfFile& out) {
    if (!file.has(segment.offset, segment.file_size)) return;
    // Notes are aligned to 4 bytes even in 64 bit files, but for those that say otherwise (NT_GNU_PROPERTY_TYPE_0).
    const std::uint64_t align = segment.align == 8 ? 8 : 4;
    const auto align_up = [&](std::uint64_t n) { return (n + align - 1) / align * align; };
    std::uint64_t at = segment.offset;
    std::uint64_t left = segment.file_size;
    while (left >= sizeof(Elf64_Nhdr)) {
        const std::uint64_t name_size = file.u32(at);
        const std::uint64_t description_size = file.u32(at + 4);
        const std::uint32_t type = file.u32(at + 8);
        const std::uint64_t description_at = align_up(sizeof(Elf64_Nhdr) + name_size);
        if (description_at > left || description_size > left - description_at) return;
        if (type == kDlopenNoteType && name_size == kDlopenNoteOwner.size() + 1 &&
            read_string(file, at + sizeof(Elf64_Nhdr), at + description_at, "a note's owner") == kDlopenNoteOwner) {
            add_dlopen_note(file.slice(at + description_at, description_size, "a note"), out);
        }
        const std::uint64_t step = align_up(description_at + description_size);
        if (step > left) return;
        at += step;
        left -= step;
    }
}

// --- the header ----------------------------------------------------------------------------------------------------

/// The bits that elf_machine_matches_host and its like compare in glibc's sysdeps/<machine>.
std::uint32_t abi_flags(std::uint16_t machine, std::uint32_t flags) {
    switch (machine) {
        case EM_MIPS: return flags & (kMipsAbi2 | kMipsNan2008);
        case EM_RISCV: return flags & (kRiscvFloatAbi | kRiscvRve);
        case EM_PPC64: return flags & kPpc64Abi;
        default: return 0;
    }
}

std::byte byte_at(std::span<const std::byte> bytes, std::size_t at) { return bytes[at]; }

Class read_class(std::span<const std::byte> bytes) {
    const auto value = std::to_integer<unsigned>(byte_at(bytes, EI_CLASS));
    if (value != ELFCLASS32 && value != ELFCLASS64) reject("class " + std::to_string(value));
    return static_cast<Class>(value);
}

ByteOrder read_byte_order(std::span<const std::byte> bytes) {
    const auto value = std::to_integer<unsigned>(byte_at(bytes, EI_DATA));
    if (value != ELFDATA2LSB && value != ELFDATA2MSB) reject("byte order " + std::to_string(value));
    return static_cast<ByteOrder>(value);
}

}  // namespace

bool has_elf_magic(std::span<const std::byte> bytes) noexcept {
    constexpr std::array<std::byte, 4> magic = {std::byte{0x7f}, std::byte{'E'}, std::byte{'L'}, std::byte{'F'}};
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

std::optional<ElfFile> read_elf(std::span<const std::byte> bytes) {
    if (!has_elf_magic(bytes)) return std::nullopt;
    if (bytes.size() < EI_NIDENT) reject("it ends in its first " + std::to_string(EI_NIDENT) + " bytes");

    ElfFile out;
    out.abi.elf_class = read_class(bytes);
    out.abi.byte_order = read_byte_order(bytes);
    const Reader file(bytes, out.abi.elf_class, out.abi.byte_order);
    static_cast<void>(file.slice(0, file.by_class(sizeof(Elf32_Ehdr), sizeof(Elf64_Ehdr)), "the header"));
    out.type = static_cast<Type>(file.u16(16));
    out.abi.machine = file.u16(18);
    out.abi.flags = abi_flags(out.abi.machine, file.u32(file.by_class(36, 48)));
    // Objects for the linker and core dumps are never loaded; a core dump's program headers mean something else.
    if (out.type != Type::executable && out.type != Type::shared) return out;

    const std::vector<Segment> segments = read_segments(file);
    if (const Segment* segment = find_segment(segments, PT_INTERP);
        segment != nullptr && !was_split_off(file, *segment)) {
        out.interpreter = read_interpreter(file, *segment);
    }
    read_dynamic_section(file, segments, out);
    std::size_t note_segments = 0;
    for (const Segment& segment : segments) {
        if (segment.type == PT_NOTE && note_segments++ < kMaxNoteSegments) read_notes(file, segment, out);
    }
    return out;
}

std::string describe(const Abi& abi) {
    struct Name {
        std::uint16_t machine;
        const char* text;
    };
    constexpr std::array<Name, 12> names = {{{EM_X86_64, "x86-64"},
                                             {EM_386, "x86"},
                                             {EM_AARCH64, "aarch64"},
                                             {EM_ARM, "arm"},
                                             {EM_PPC64, "ppc64"},
                                             {EM_PPC, "ppc"},
                                             {EM_S390, "s390"},
                                             {EM_RISCV, "riscv"},
                                             {EM_MIPS, "mips"},
                                             {EM_SPARCV9, "sparc64"},
                                             {EM_IA_64, "ia64"},
                                             {258, "loongarch"}}};
    const auto* const it =
        std::find_if(names.begin(), names.end(), [&](const Name& n) { return n.machine == abi.machine; });
    std::string out = it == names.end() ? "machine " + std::to_string(abi.machine) : it->text;
    out += abi.elf_class == Class::bits64 ? ", 64 bit" : ", 32 bit";
    if (abi.byte_order == ByteOrder::big) out += ", big-endian";
    return out;
}

}  // namespace smith::elf
