// SPDX-License-Identifier: Apache-2.0
//
// Which program this is, exactly: the note that the linker leaves (ld --build-id, gABI "Note Section"), a digest of the
// whole executable. For caches of what the program itself decides.
#pragma once

#include <string>
#include <string_view>

namespace smith {

/// The bytes of NT_GNU_BUILD_ID of the running executable; empty where it was linked without.
[[nodiscard]] std::string build_id();
/// Likewise of the shared library, loaded into this process, whose file name begins with `name` ("libsolv.so."): a
/// distribution patches one and leaves its version as it was. Empty where it is not loaded, because it is a part of the
/// executable.
[[nodiscard]] std::string build_id_of_library(std::string_view name);

}  // namespace smith
