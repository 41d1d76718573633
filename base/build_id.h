// SPDX-License-Identifier: Apache-2.0
//
// Which program this is, exactly: the note that the linker leaves (ld --build-id, gABI "Note Section"), a digest of the
// whole executable. For caches of what the program itself decides.
#pragma once

#include <string>

namespace smith {

/// The bytes of NT_GNU_BUILD_ID of the running executable; empty where it was linked without.
[[nodiscard]] std::string build_id();

}  // namespace smith
