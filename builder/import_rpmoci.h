// SPDX-License-Identifier: Apache-2.0
//
// rpmoci.toml as a spec. rpmoci ships whole packages, so the spec does: `paths` is where to begin cutting.
#pragma once

#include <string>
#include <string_view>

#include "base/reporter.h"

namespace smith::builder {

/// A spec (YAML, schema 1) that asks for what `text` asks for. What has no counterpart is told by a warning. `file` is
/// for messages. Throws Error (spec) with file, line and column: bad TOML, unknown keys, wrong types.
[[nodiscard]] std::string import_rpmoci(std::string_view text, const std::string& file, Reporter& reporter);

}  // namespace smith::builder
