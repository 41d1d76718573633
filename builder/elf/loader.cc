// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/loader.h"

#include <elf.h>

#include <algorithm>
#include <array>

namespace smith::elf {

namespace {

constexpr std::uint16_t kLoongArch = 258;  // EM_LOONGARCH; not in the <elf.h> of glibc 2.35

/// What distributions agree on for one ABI.
struct Machine {
    std::uint16_t machine;
    Class elf_class;
    ByteOrder byte_order;
    const char* triplet;  ///< Debian's multiarch tuple
    const char* lib;      ///< of distributions without multiarch
    const char* loader;   ///< glibc's, by psABI
    const char* musl_arch;
    /// AT_PLATFORM, the oldest first. On x86-64, glibc before 2.37 said "haswell" for what the kernel calls x86_64.
    std::vector<std::string> platforms;
    std::vector<std::string> hwcaps;
};

const std::vector<Machine>& machines() {
    using enum Class;
    using enum ByteOrder;
    // One machine a pair of lines; clang-format would give each word its own.
    // clang-format off
    static const std::vector<Machine> table = {
        {EM_X86_64, bits64, little, "x86_64-linux-gnu", "lib64", "/lib64/ld-linux-x86-64.so.2", "x86_64",
         {"x86_64", "haswell", "xeon_phi"}, {"x86-64-v4", "x86-64-v3", "x86-64-v2"}},
        {EM_X86_64, bits32, little, "x86_64-linux-gnux32", "libx32", "/libx32/ld-linux-x32.so.2", "x32",
         {"x86_64", "haswell", "xeon_phi"}, {"x86-64-v4", "x86-64-v3", "x86-64-v2"}},
        {EM_386, bits32, little, "i386-linux-gnu", "lib", "/lib/ld-linux.so.2", "i386",
         {"i386", "i486", "i586", "i686"}, {}},
        {EM_AARCH64, bits64, little, "aarch64-linux-gnu", "lib64", "/lib/ld-linux-aarch64.so.1", "aarch64",
         {"aarch64"}, {}},
        {EM_ARM, bits32, little, "arm-linux-gnueabihf", "lib", "/lib/ld-linux-armhf.so.3", "armhf",
         {"v6l", "v7l", "v8l"}, {}},
        {EM_PPC64, bits64, little, "powerpc64le-linux-gnu", "lib64", "/lib64/ld64.so.2", "powerpc64le",
         {"power8", "power9", "power10"}, {"power10", "power9"}},
        {EM_PPC64, bits64, big, "powerpc64-linux-gnu", "lib64", "/lib64/ld64.so.1", "powerpc64",
         {"power7", "power8", "power9"}, {}},
        {EM_S390, bits64, big, "s390x-linux-gnu", "lib64", "/lib/ld64.so.1", "s390x",
         {"z900", "z990", "z9-109", "z10", "z196", "zEC12", "z13", "z14", "z15", "z16"},
         {"z17", "z16", "z15", "z14", "z13"}},
        {EM_RISCV, bits64, little, "riscv64-linux-gnu", "lib64/lp64d", "/lib/ld-linux-riscv64-lp64d.so.1", "riscv64",
         {}, {}},
        {kLoongArch, bits64, little, "loongarch64-linux-gnu", "lib64", "/lib64/ld-linux-loongarch-lp64d.so.1",
         "loongarch64", {}, {}},
        {EM_MIPS, bits64, little, "mips64el-linux-gnuabi64", "lib64", "/lib64/ld.so.1", "mips64el",
         {}, {}},
    };
    // clang-format on
    return table;
}

const Machine* find_machine(const Abi& abi) {
    const auto& table = machines();
    const auto it = std::find_if(table.begin(), table.end(), [&](const Machine& m) {
        return m.machine == abi.machine && m.elf_class == abi.elf_class && m.byte_order == abi.byte_order;
    });
    return it == table.end() ? nullptr : &*it;
}

/// The end of a path's last component.
std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// When the loader does not say: Debian's multiarch directories where the tree has them, else what RPM distributions
/// use, where a 64 bit loader does not look into /lib.
std::vector<std::string> guess_default_directories(const FileTree& tree, const Machine* machine) {
    if (machine == nullptr) return {"/lib64", "/usr/lib64", "/lib", "/usr/lib"};
    const std::string multiarch = std::string("/usr/lib/") + machine->triplet;
    if (is_directory(tree.resolve(ImagePath::parse(multiarch)).entry) ||
        is_directory(tree.resolve(ImagePath::parse("/lib/" + std::string(machine->triplet))).entry)) {
        return {multiarch.substr(4), multiarch, "/lib", "/usr/lib"};
    }
    return {std::string("/") + machine->lib, std::string("/usr/") + machine->lib};
}

/// DL_DST_LIB is the directory of libc below its prefix: "lib64" for /lib64, "lib" for /nix/store/<hash>-glibc/lib.
std::string lib_token(std::string_view directory) {
    if (directory.starts_with("/usr/")) directory.remove_prefix(4);
    if (directory.starts_with("/lib")) return std::string(directory.substr(1));
    return std::string(base_name(directory));
}

}  // namespace

std::vector<std::string> find_system_directories(std::span<const std::byte> loader) {
    const std::string_view text(reinterpret_cast<const char*>(loader.data()), loader.size());
    const auto is_directory_name = [](std::string_view s) {
        return s.size() > 1 && s.size() < 512 && s.starts_with('/') && s.ends_with('/') &&
               s.find("/lib") != std::string_view::npos &&
               std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c < 0x7f && c != '%' && c != '$'; });
    };
    // Each string begins behind a NUL; the array stands behind its lengths (system_dirs_len), which end in one.
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t nul = std::min(text.find('\0', at), text.size());
        const std::string_view word = text.substr(at, nul - at);
        at = nul + 1;
        if (is_directory_name(word)) {
            out.emplace_back(word.substr(0, word.size() - 1));
        } else if (!out.empty()) {
            break;
        }
    }
    return out;
}

std::vector<std::string> usual_loaders(const Abi& abi) {
    const Machine* machine = find_machine(abi);
    if (machine == nullptr) return {};
    return {machine->loader, std::string("/lib/ld-musl-") + machine->musl_arch + ".so.1"};
}

std::string musl_path_file(std::string_view loader_name) {
    constexpr std::string_view prefix = "ld-musl-";
    std::string_view arch = base_name(loader_name);
    arch.remove_prefix(std::min(prefix.size(), arch.size()));
    arch = arch.substr(0, arch.find('.'));
    // Two components off the end: /opt/musl/lib/ld-musl-x86_64.so.1 has its file in /opt/musl/etc.
    std::string_view root = loader_name.substr(0, std::min(loader_name.rfind('/'), loader_name.size()));
    root = root.substr(0, std::min(root.rfind('/'), root.size()));
    return std::string(root) + "/etc/ld-musl-" + std::string(arch) + ".path";
}

bool is_vdso(std::string_view soname) {
    constexpr std::array<std::string_view, 4> names = {"linux-vdso.so.1", "linux-gate.so.1", "linux-vdso32.so.1",
                                                       "linux-vdso64.so.1"};
    return std::find(names.begin(), names.end(), soname) != names.end();
}

bool is_musl_itself(std::string_view soname) {
    constexpr std::array<std::string_view, 7> reserved = {"libc.",  "libpthread.", "librt.",  "libm.",
                                                          "libdl.", "libutil.",    "libxnet."};
    return std::any_of(reserved.begin(), reserved.end(), [&](std::string_view r) { return soname.starts_with(r); });
}

Loader describe_loader(const FileTree& tree, const Abi& abi, std::string_view name, std::span<const std::byte> bytes) {
    const Machine* machine = find_machine(abi);
    Loader out;
    out.name = name;
    if (base_name(name).starts_with("ld-musl-")) {
        out.kind = LoaderKind::musl;
        return out;
    }
    out.default_directories = find_system_directories(bytes);
    if (out.default_directories.empty()) out.default_directories = guess_default_directories(tree, machine);
    out.lib = lib_token(out.default_directories.front());
    if (machine != nullptr) {
        out.platforms = machine->platforms;
        out.hwcaps = machine->hwcaps;
    }
    return out;
}

}  // namespace smith::elf
