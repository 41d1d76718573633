// SPDX-License-Identifier: Apache-2.0
//
// What a lock remembers of why its packages are there: how a solution becomes that, and how it is spelled
// (docs/lock.md, "asked" and "requires"). A part of lock.cc and solve.cc; others see Lock.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "resolver/lock.h"
#include "resolver/solve.h"

namespace smith::resolver {

/// Sets lock.asked and lock.requirements: of every two packages one requirement, the one with the shortest text.
void remember_requirements(const Solution& solution, Lock& lock);

/// The values of the two keys, one request or package a line. Both want their argument sorted, and not empty.
[[nodiscard]] std::string print_asked(const std::vector<LockedRequest>& asked);
[[nodiscard]] std::string print_requirements(const std::vector<LockedRequirement>& requirements);

/// Inverses of the above, but unsorted. They throw Error (format).
[[nodiscard]] std::vector<LockedRequest> parse_asked(const nlohmann::json& value);
[[nodiscard]] std::vector<LockedRequirement> parse_requirements(const nlohmann::json& value);

}  // namespace smith::resolver
