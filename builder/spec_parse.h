// SPDX-License-Identifier: Apache-2.0
//
// YAML text -> Spec. Everything that is wrong with a spec is found in one go, and each problem says where it stands.
// Format: docs/spec.md. A spec may come from anywhere: its size, depth and aliases are bounded.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/reporter.h"
#include "builder/spec.h"

namespace smith::builder {

/// Reads `text`; `file` is what messages and locations call it. Warnings go to `reporter`.
///
/// Throws one Error (spec) with all problems, one a line, each beginning with "file:line:column: ".
[[nodiscard]] Spec parse_spec(std::string_view text, const std::string& file, Reporter& reporter);

/// Reads a file of at most kMaxSpecBytes. Throws Error as parse_spec, also when it can't be read: a fifo
/// is not waited for.
[[nodiscard]] Spec load_spec(const std::filesystem::path& file, Reporter& reporter);

}  // namespace smith::builder
