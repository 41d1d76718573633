// SPDX-License-Identifier: Apache-2.0
//
// What every command is given besides its own options.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "tools/smith/options.h"
#include "tools/smith/terminal_reporter.h"

namespace smith::cli {

struct Context {
    const CommonOptions& common;
    TerminalReporter& reporter;

    /// The cache of the command line, else the default one; made if need be, for its owner alone. Throws Error: usage,
    /// when there is no default; system, when it can't be written to. Both say what would help.
    [[nodiscard]] std::filesystem::path cache_dir() const;
};

/// Writes a document as --json promises it: one, indented, with a newline. Throws as write_stdout().
void write_json(const nlohmann::json& document);

/// SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/), in seconds; nothing when it is not
/// set. Throws Error (usage) for what is not a number, or is a year that RFC 3339 can't spell.
[[nodiscard]] std::optional<std::int64_t> source_date_epoch();
/// As above, from the variable's value.
[[nodiscard]] std::int64_t parse_source_date_epoch(std::string_view text);

}  // namespace smith::cli
