// SPDX-License-Identifier: Apache-2.0
//
// The one door for ELF: what a file says about how it wants to be loaded. 32 and 64 bit, both byte orders, any machine.
// Reads what ld.so reads (program headers and the dynamic section, through the PT_LOAD mapping), so that a file whose
// section headers were stripped is no different; sections are looked at for one question only, see elf_file.cc.
// Formats: System V gABI chapters 4 and 5; the dlopen note is UAPI group's "ELF Metadata for dlopen()".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smith::elf {

enum class Class : std::uint8_t { bits32 = 1, bits64 = 2 };   ///< e_ident[EI_CLASS]
enum class ByteOrder : std::uint8_t { little = 1, big = 2 };  ///< e_ident[EI_DATA]
enum class Type : std::uint16_t { none = 0, relocatable = 1, executable = 2, shared = 3, core = 4 };  ///< e_type

/// What two objects must have in common to live in one process: what ld.so compares before it maps a file.
struct Abi {
    Class elf_class = Class::bits64;
    ByteOrder byte_order = ByteOrder::little;
    std::uint16_t machine = 0;  ///< e_machine (EM_*)
    /// The bits of e_flags that ld.so compares: float ABI and N32 on MIPS and RISC-V, the ELF ABI on ppc64; else 0.
    std::uint32_t flags = 0;
    auto operator<=>(const Abi&) const = default;
};

/// "x86-64, 64 bit"
[[nodiscard]] std::string describe(const Abi& abi);

/// How much an object misses a library that it opens at run time. In order of weight.
enum class DlopenPriority { suggested, recommended, required };

/// One entry of a `.note.dlopen`: any one of `sonames` will do, the first one is the best.
struct DlopenNote {
    std::vector<std::string> sonames;
    DlopenPriority priority = DlopenPriority::recommended;
    std::string feature;
    bool operator==(const DlopenNote&) const = default;
};

struct ElfFile {
    Abi abi;
    Type type = Type::none;
    std::optional<std::string> interpreter;  ///< PT_INTERP
    bool has_dynamic = false;                ///< false: static, relocatable, or the debug half of a split file
    std::vector<std::string> needed;         ///< DT_NEEDED, in order
    std::optional<std::string> soname;
    std::optional<std::string> rpath;      ///< DT_RPATH as it stands, also when DT_RUNPATH overrules it
    std::optional<std::string> runpath;    ///< DT_RUNPATH
    bool no_default_libraries = false;     ///< DF_1_NODEFLIB
    std::vector<std::string> filters;      ///< DT_FILTER: loaded as if needed
    std::vector<std::string> auxiliaries;  ///< DT_AUXILIARY: loaded where it is to be had
    bool is_pie = false;                   ///< DF_1_PIE
    std::vector<DlopenNote> dlopen_notes;
    std::vector<std::string>
        oddities;  ///< what is wrong but keeps nobody from loading it: "has a dlopen note that ..."

    /// Something the kernel starts with the help of a dynamic loader.
    [[nodiscard]] bool is_program() const noexcept {
        return interpreter.has_value() && (type == Type::executable || type == Type::shared);
    }
    /// Something that a program can load.
    [[nodiscard]] bool is_shared_object() const noexcept { return type == Type::shared && has_dynamic; }
};

/// True when `bytes` begin with ELF's magic number.
[[nodiscard]] bool has_elf_magic(std::span<const std::byte> bytes) noexcept;

/// Reads a whole file. Nothing for a file without ELF's magic number; throws Error (format) for one that has it and
/// then breaks the format: a table that leaves the file, a string that does not end.
[[nodiscard]] std::optional<ElfFile> read_elf(std::span<const std::byte> bytes);

}  // namespace smith::elf
