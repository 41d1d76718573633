// SPDX-License-Identifier: Apache-2.0
//
// Files that tell a dynamic loader where to look: glibc's /etc/ld.so.conf, which ldconfig(8) reads for the loader, and
// musl's /etc/ld-musl-ARCH.path.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/contents.h"
#include "base/file_tree.h"

namespace smith::elf {

/// The directories that ldconfig would scan, in its order, without the default ones. Includes are read in byte order
/// of their names, those without a '/' from the directory of the including file. What is odd goes to `warnings`.
[[nodiscard]] std::vector<std::string> read_ld_so_conf(const FileTree& tree, const Contents& contents,
                                                       std::vector<std::string>& warnings);

/// What is in the file at `path`, links followed. Nothing when there is none; a file that is far too large is none
/// either, and is warned of.
[[nodiscard]] std::optional<std::string> read_text(const FileTree& tree, const Contents& contents,
                                                   std::string_view path, std::vector<std::string>& warnings);

/// `path_file` is what is in musl_path_file(), nothing when there is none.
[[nodiscard]] std::vector<std::string> musl_default_directories(const std::optional<std::string>& path_file);

/// The parts of `list` between any of `separators`, without empty ones.
[[nodiscard]] std::vector<std::string> split_list(std::string_view list, std::string_view separators);

}  // namespace smith::elf
