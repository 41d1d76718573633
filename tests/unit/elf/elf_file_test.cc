// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/elf_file.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/elf/elf_builder.h"

namespace smith::elf {
namespace {

ElfFile parse(const std::string& bytes) { return read_elf(as_bytes(bytes)).value(); }

std::string problem_of(const std::string& bytes) {
    try {
        static_cast<void>(read_elf(as_bytes(bytes)));
        return "";
    } catch (const Error& e) {
        CHECK(e.kind() == ErrorKind::format);
        return e.message();
    }
}

ElfBuilder with_everything() {
    return elf()
        .needs("libz.so.1")
        .needs("libc.so.6")
        .soname("libx.so.2")
        .rpath("/old")
        .runpath("$ORIGIN/../lib")
        .filter("libf.so.1")
        .auxiliary("liba.so.1")
        .flags_1(DF_1_NODEFLIB | DF_1_PIE)
        .interpreter("/lib64/ld.so");
}

TEST_CASE("an ELF file says the same in either class and either byte order", "[elf]") {
    for (const bool is64 : {false, true}) {
        for (const bool big : {false, true}) {
            CAPTURE(is64, big);
            ElfBuilder builder = with_everything();
            if (!is64) builder.bits32();
            // The builder writes notes in the byte order it has at that moment, so that one comes first.
            if (big) builder.big_endian();
            builder.dlopen(R"([{"soname": ["liblz4.so.1"], "feature": "lz4", "priority": "required"}])");
            const ElfFile file = parse(builder.bytes());
            CHECK(file.abi.elf_class == (is64 ? Class::bits64 : Class::bits32));
            CHECK(file.abi.byte_order == (big ? ByteOrder::big : ByteOrder::little));
            CHECK(file.abi.machine == EM_X86_64);
            CHECK(file.needed == std::vector<std::string>{"libz.so.1", "libc.so.6"});
            CHECK(file.soname == "libx.so.2");
            CHECK(file.rpath == "/old");
            CHECK(file.runpath == "$ORIGIN/../lib");
            CHECK(file.filters == std::vector<std::string>{"libf.so.1"});
            CHECK(file.auxiliaries == std::vector<std::string>{"liba.so.1"});
            CHECK(file.interpreter == "/lib64/ld.so");
            CHECK(file.no_default_libraries);
            CHECK(file.is_pie);
            CHECK(file.is_program());
            CHECK(file.dlopen_notes == std::vector<DlopenNote>{{{"liblz4.so.1"}, DlopenPriority::required, "lz4"}});
        }
    }
}

TEST_CASE("what does not begin with ELF's magic number is not ELF", "[elf]") {
    CHECK_FALSE(read_elf(as_bytes("")));
    CHECK_FALSE(
        read_elf(as_bytes("\x7f"
                          "EL")));
    CHECK_FALSE(read_elf(as_bytes("#!/bin/sh\n")));
}

TEST_CASE("a static program and an object for the linker need nothing", "[elf]") {
    const ElfFile program = parse(elf().is_static().type(ET_EXEC).bytes());
    CHECK_FALSE(program.has_dynamic);
    CHECK_FALSE(program.is_program());
    const ElfFile object = parse(elf().needs("libz.so.1").type(ET_REL).bytes());
    CHECK(object.type == Type::relocatable);
    CHECK(object.needed.empty());
}

TEST_CASE("the debug half of a split file needs nothing, whatever its program headers say", "[elf]") {
    CHECK_FALSE(parse(elf().needs("libz.so.1").split_off().bytes()).has_dynamic);
    CHECK_FALSE(parse(elf().bits32().needs("libz.so.1").split_off().bytes()).has_dynamic);
}

TEST_CASE("an ELF file that is cut off anywhere is refused, never read beyond its end", "[elf]") {
    const std::string whole = with_everything().dlopen(R"([{"soname": ["liblz4.so.1"]}])").bytes();
    for (std::size_t size = 4; size < whole.size(); ++size) {
        // A copy of just that size, so that a sanitizer sees a read beyond.
        const std::string part = whole.substr(0, size);
        const std::string problem = problem_of(part);
        if (size < with_everything().dynamic_offset()) CHECK(problem.starts_with("broken ELF file: "));
    }
}

TEST_CASE("an ELF file with any one byte changed is read or refused", "[elf]") {
    const std::string whole = with_everything().dlopen(R"([{"soname": ["liblz4.so.1"]}])").bytes();
    for (std::size_t at = 4; at < whole.size(); ++at) {
        for (const char value : {'\x00', '\x01', '\x7f', '\xff'}) {
            std::string bytes = whole;
            bytes[at] = value;
            const std::string problem = problem_of(bytes);
            CHECK((problem.empty() || problem.starts_with("broken ELF file: ")));
        }
    }
}

TEST_CASE("a table of strings outside of what is loaded is named as the problem", "[elf]") {
    const ElfBuilder builder = elf().needs("libz.so.1");
    std::string bytes = builder.bytes();
    // The second entry of the dynamic section is DT_STRTAB; its value is 8 bytes behind its tag.
    bytes[builder.dynamic_offset() + 16 + 8 + 6] = '\x01';
    CHECK(problem_of(bytes) == "broken ELF file: the table of strings is in no part of the file that is loaded");
}

TEST_CASE("a dynamic section without its DT_NULL is refused", "[elf]") {
    const ElfBuilder builder = elf().soname("libz.so.1");
    std::string bytes = builder.bytes();
    bytes[builder.dynamic_offset() + 32] = '\x7a';
    bytes.resize(builder.dynamic_offset() + 48);
    CHECK(problem_of(bytes).starts_with("broken ELF file: "));
}

TEST_CASE("a dlopen note without a priority is recommended, and a broken one is told of but not fatal", "[elf]") {
    const ElfFile file = parse(elf()
                                   .dlopen(R"([{"soname": ["liba.so.1", "liba.so.0"]}])")
                                   .dlopen("not JSON")
                                   .dlopen(R"([{"soname": "a string"}])")
                                   .note(1, "GNU", "something else")
                                   .bytes());
    CHECK(file.dlopen_notes == std::vector<DlopenNote>{{{"liba.so.1", "liba.so.0"}, DlopenPriority::recommended, ""}});
    CHECK(file.oddities.size() == 2);
}

TEST_CASE("objects for one machine differ by the flags that ld.so compares, and by no others", "[elf]") {
    const auto abi = [](std::uint16_t machine, std::uint32_t flags) {
        return parse(elf().machine(machine).e_flags(flags).bytes()).abi;
    };
    CHECK(abi(EM_RISCV, 0x5) == abi(EM_RISCV, 0x4));
    CHECK(abi(EM_RISCV, 0x4) != abi(EM_RISCV, 0x0));
    CHECK(abi(EM_ARM, 0x5000400) == abi(EM_ARM, 0x5000200));
    CHECK(describe(abi(EM_RISCV, 0)) == "riscv, 64 bit");
    CHECK(describe(abi(12345, 0)) == "machine 12345, 64 bit");
}

}  // namespace
}  // namespace smith::elf
