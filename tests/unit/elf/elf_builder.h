// SPDX-License-Identifier: Apache-2.0
//
// Small ELF files for tests, as a sentence: `elf().needs("libz.so.1").runpath("$ORIGIN/../lib")`. They have program
// headers and a dynamic section, no section headers and no code: what a loader reads, and nothing that could be run.
// The host's ld.so takes them, too, so far as to list what it would load (host_loader_test.cc).
#pragma once

#include <elf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smith::elf {

class ElfBuilder {
public:
    ElfBuilder& needs(std::string_view name) { return dynamic_string(DT_NEEDED, name); }
    ElfBuilder& soname(std::string_view name) { return dynamic_string(DT_SONAME, name); }
    ElfBuilder& rpath(std::string_view list) { return dynamic_string(DT_RPATH, list); }
    ElfBuilder& runpath(std::string_view list) { return dynamic_string(DT_RUNPATH, list); }
    ElfBuilder& filter(std::string_view name) { return dynamic_string(DT_FILTER, name); }
    ElfBuilder& auxiliary(std::string_view name) { return dynamic_string(DT_AUXILIARY, name); }
    ElfBuilder& flags_1(std::uint64_t flags) {
        dynamic_.emplace_back(DT_FLAGS_1, flags);
        return *this;
    }
    ElfBuilder& interpreter(std::string_view path) {
        interpreter_ = std::string(path) + '\0';
        return *this;
    }
    ElfBuilder& type(std::uint16_t type) {
        type_ = type;
        return *this;
    }
    ElfBuilder& machine(std::uint16_t machine) {
        machine_ = machine;
        return *this;
    }
    ElfBuilder& bits32() {
        is64_ = false;
        return *this;
    }
    ElfBuilder& big_endian() {
        big_ = true;
        return *this;
    }
    ElfBuilder& e_flags(std::uint32_t flags) {
        e_flags_ = flags;
        return *this;
    }
    ElfBuilder& note(std::uint32_t type, std::string_view owner, std::string_view description) {
        add_number(notes_, owner.size() + 1, 4);
        add_number(notes_, description.size(), 4);
        add_number(notes_, type, 4);
        notes_ += owner;
        notes_ += '\0';
        pad(notes_, 4);
        notes_ += description;
        pad(notes_, 4);
        return *this;
    }
    ElfBuilder& dlopen(std::string_view json) { return note(0x407c0c0aU, "FDO", json); }
    /// Bytes behind everything, such as the strings that a loader has compiled in.
    ElfBuilder& data(std::string_view bytes) {
        data_ += bytes;
        return *this;
    }
    /// As `objcopy --only-keep-debug` leaves it: section headers say that the dynamic section is in another file.
    ElfBuilder& split_off() {
        is_split_off_ = true;
        return *this;
    }
    /// Without PT_DYNAMIC.
    ElfBuilder& is_static() {
        is_static_ = true;
        return *this;
    }

    /// File offset of the entry of the dynamic section with this index, for tests that break it.
    [[nodiscard]] std::size_t dynamic_offset() const { return header_bytes() + segment_count() * segment_bytes(); }

    [[nodiscard]] std::string bytes() const {
        const std::size_t dynamic_at = dynamic_offset();
        const std::size_t dynamic_size = (dynamic_.size() + 2) * 2 * word_bytes();
        const std::size_t strings_at = dynamic_at + dynamic_size;
        const std::size_t interpreter_at = strings_at + strings_.size();
        std::string body;  // from dynamic_at on
        for (const auto& [tag, value] : dynamic_) add_dynamic(body, tag, value);
        add_dynamic(body, DT_STRTAB, kBase + strings_at);
        add_dynamic(body, DT_NULL, 0);
        body += strings_ + interpreter_;
        while ((dynamic_at + body.size()) % 4 != 0) body += '\0';
        const std::size_t notes_at = dynamic_at + body.size();
        body += notes_ + data_;

        std::string out = header();
        add_segment(out, PT_LOAD, 0, dynamic_at + body.size(), kPageBytes);
        add_segment(out, PT_GNU_STACK, 0, 0);
        if (!interpreter_.empty()) add_segment(out, PT_INTERP, interpreter_at, interpreter_.size());
        if (!is_static_) add_segment(out, PT_DYNAMIC, dynamic_at, dynamic_size);
        if (!notes_.empty()) add_segment(out, PT_NOTE, notes_at, notes_.size());
        out += body;
        if (is_split_off_) add_section(out, SHT_NOBITS, kBase + dynamic_at);
        return out;
    }

private:
    // Addresses differ from offsets, as in most executables: who mixes them up finds nothing.
    static constexpr std::uint64_t kBase = 0x400000;
    static constexpr std::uint64_t kPageBytes = 0x1000;

    ElfBuilder& dynamic_string(std::int64_t tag, std::string_view text) {
        dynamic_.emplace_back(tag, strings_.size());
        strings_ += text;
        strings_ += '\0';
        return *this;
    }
    [[nodiscard]] std::size_t word_bytes() const { return is64_ ? 8 : 4; }
    [[nodiscard]] std::size_t header_bytes() const { return is64_ ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr); }
    [[nodiscard]] std::size_t segment_bytes() const { return is64_ ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr); }
    [[nodiscard]] std::size_t segment_count() const {
        return 2U + (interpreter_.empty() ? 0U : 1U) + (is_static_ ? 0U : 1U) + (notes_.empty() ? 0U : 1U);
    }

    void add_number(std::string& out, std::uint64_t value, std::size_t width) const {
        for (std::size_t i = 0; i < width; ++i) {
            out += static_cast<char>(value >> (8 * (big_ ? width - 1 - i : i)) & 0xffU);
        }
    }
    static void pad(std::string& out, std::size_t align) {
        while (out.size() % align != 0) out += '\0';
    }
    void add_word(std::string& out, std::uint64_t value) const { add_number(out, value, word_bytes()); }
    void add_dynamic(std::string& out, std::int64_t tag, std::uint64_t value) const {
        add_word(out, static_cast<std::uint64_t>(tag));
        add_word(out, value);
    }

    [[nodiscard]] std::string header() const {
        std::string out =
            "\x7f"
            "ELF";
        out += is64_ ? '\x02' : '\x01';
        out += big_ ? '\x02' : '\x01';
        out += '\x01';
        out.append(9, '\0');
        add_number(out, type_, 2);
        add_number(out, machine_, 2);
        add_number(out, 1, 4);
        add_word(out, 0);               // entry
        add_word(out, header_bytes());  // program headers
        add_word(out, 0);               // section headers
        add_number(out, e_flags_, 4);
        add_number(out, header_bytes(), 2);
        add_number(out, segment_bytes(), 2);
        add_number(out, segment_count(), 2);
        add_number(out, 0, 2);
        add_number(out, 0, 2);
        add_number(out, 0, 2);
        return out;
    }

    /// One section header at the end, and the fields of the ELF header that lead to it.
    void add_section(std::string& out, std::uint32_t type, std::uint64_t address) const {
        const auto set = [&](std::size_t at, std::uint64_t value, std::size_t width) {
            std::string number;
            add_number(number, value, width);
            out.replace(at, width, number);
        };
        set(is64_ ? 40 : 32, out.size(), word_bytes());
        set(is64_ ? 58 : 46, is64_ ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), 2);
        set(is64_ ? 60 : 48, 1, 2);
        add_number(out, 0, 4);
        add_number(out, type, 4);
        add_word(out, 0);
        add_word(out, address);
        out.append(is64_ ? 40 : 24, '\0');
    }

    void add_segment(std::string& out, std::uint32_t type, std::uint64_t offset, std::uint64_t size,
                     std::uint64_t align = 4) const {
        // Writable, because ld.so relocates the dynamic section where it stands.
        constexpr std::uint32_t flags = PF_R | PF_W;
        add_number(out, type, 4);
        if (is64_) add_number(out, flags, 4);
        add_word(out, offset);
        add_word(out, kBase + offset);
        add_word(out, kBase + offset);
        add_word(out, size);
        add_word(out, size);
        if (!is64_) add_number(out, flags, 4);
        add_word(out, align);
    }

    std::vector<std::pair<std::int64_t, std::uint64_t>> dynamic_;
    std::string strings_ = std::string(1, '\0');
    std::string interpreter_;
    std::string notes_;
    std::string data_;
    std::uint16_t type_ = ET_DYN;
    std::uint16_t machine_ = EM_X86_64;
    std::uint32_t e_flags_ = 0;
    bool is64_ = true;
    bool big_ = false;
    bool is_static_ = false;
    bool is_split_off_ = false;
};

/// A shared object for x86-64.
inline ElfBuilder elf() { return {}; }

/// A position-independent program for x86-64 and glibc.
inline ElfBuilder program() { return elf().interpreter("/lib64/ld-linux-x86-64.so.2").flags_1(DF_1_PIE); }

}  // namespace smith::elf
