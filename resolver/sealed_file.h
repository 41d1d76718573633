// SPDX-License-Identifier: Apache-2.0
//
// A file of the cache that notices damage: its bytes, then their SHA-256. For what is read by code that trusts its
// input, such as libsolv's reader of .solv files, or that could not tell a flipped bit from an answer.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/atomic_file.h"
#include "base/fd.h"

namespace smith::resolver {

/// Adds the digest to what was written to `file`, and commits it. Throws Error (system).
void commit_sealed(AtomicFile& file);

/// The file, at its beginning, when it is there and whole; the digest follows the last byte. Nothing otherwise.
[[nodiscard]] std::optional<UniqueFd> open_sealed(const std::filesystem::path& path);

/// All of it, without the digest.
[[nodiscard]] std::optional<std::string> read_sealed(const std::filesystem::path& path);

}  // namespace smith::resolver
