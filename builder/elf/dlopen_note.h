// SPDX-License-Identifier: Apache-2.0
//
// What an object says about the libraries that it opens itself, at run time: a JSON array in an ELF note of owner
// "FDO". Format: UAPI group, "ELF Metadata for dlopen()"
// (https://uapi-group.org/specifications/specs/elf_dlopen_metadata).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "builder/elf/elf_file.h"

namespace smith::elf {

inline constexpr std::uint32_t kDlopenNoteType = 0x407c0c0a;
inline constexpr std::string_view kDlopenNoteOwner = "FDO";

/// Throws Error (format). An entry without a priority is "recommended", as the specification has it.
[[nodiscard]] std::vector<DlopenNote> parse_dlopen_note(std::string_view json);

}  // namespace smith::elf
