// SPDX-License-Identifier: Apache-2.0
//
// What a dynamic loader has compiled in: its default directories, the meaning of $LIB and $PLATFORM, the names of
// directories for better processors. It differs by distribution as much as by machine, so it is read from the loader
// itself where that can be done, and is a table where not.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_tree.h"
#include "base/image_path.h"
#include "builder/elf/elf_file.h"

namespace smith::elf {

enum class LoaderKind { glibc, musl };

/// One dynamic loader, as PT_INTERP names it.
struct Loader {
    LoaderKind kind = LoaderKind::glibc;
    std::string name;  ///< PT_INTERP's spelling; empty when a plug-in's loader is not known
    std::optional<std::string> soname;
    /// Searched last, in this order: glibc's "system_dirs"; what musl's .path file says, see musl_path_file().
    std::vector<std::string> default_directories;
    std::string lib;                     ///< $LIB
    std::vector<std::string> platforms;  ///< values of $PLATFORM; the first is that of the oldest processor
    std::vector<std::string> hwcaps;     ///< names below glibc-hwcaps/, the best processor first
};

/// `name` as PT_INTERP has it; `bytes` of the loader itself, empty when there are none.
[[nodiscard]] Loader describe_loader(const FileTree& tree, const Abi& abi, std::string_view name,
                                     std::span<const std::byte> bytes);

/// The directories that glibc's ld.so has compiled in: rtld's `system_dirs`, strings that end in '/' one behind the
/// other. Without that slash. Empty when there is nothing of the kind.
[[nodiscard]] std::vector<std::string> find_system_directories(std::span<const std::byte> loader);

/// Where loaders for `abi` are by the psABI, glibc's first.
[[nodiscard]] std::vector<std::string> usual_loaders(const Abi& abi);

/// "/etc/ld-musl-x86_64.path" for "/lib/ld-musl-x86_64.so.1". Only for a loader of musl.
[[nodiscard]] std::string musl_path_file(std::string_view loader_name);

/// True for the kernel's own objects, which have no file (vdso(7)).
[[nodiscard]] bool is_vdso(std::string_view soname);

/// True for a name that the loader answers to by itself, because musl's loader is all of its libraries (dynlink.c,
/// load_library).
[[nodiscard]] bool is_musl_itself(std::string_view soname);

}  // namespace smith::elf
