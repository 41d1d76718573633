// SPDX-License-Identifier: Apache-2.0
//
// Outcomes of tests, for people and for programs. What a tested program printed is foreign: nothing of it reaches a
// terminal unescaped.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "builder/smoke_test.h"

namespace smith::cli {

/// One line for each: "ok    /usr/bin/cat /read/data (12 ms)".
[[nodiscard]] std::string list_outcomes(const std::vector<builder::TestOutcome>& outcomes);

/// What the one that failed printed, indented below a line that says which stream it was. Nothing when all passed.
[[nodiscard]] std::string show_output_of_failed(const std::vector<builder::TestOutcome>& outcomes);

/// "test 2 failed: /usr/bin/cat /nowhere: expected exit status 0, got 1"
[[nodiscard]] std::string failure_message(const std::vector<builder::TestOutcome>& outcomes);

[[nodiscard]] nlohmann::json outcomes_json(const std::vector<builder::TestOutcome>& outcomes);

}  // namespace smith::cli
