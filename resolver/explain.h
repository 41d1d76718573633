// SPDX-License-Identifier: Apache-2.0
//
// Why a request cannot be had, in sentences. Internal to solving.
#pragma once

#include <string>
#include <vector>

#include "resolver/jobs.h"
#include "resolver/solv.h"

namespace smith::resolver {

/// All problems of `solver`, one a line: what was asked for, then what leads from there to what is in the way. `jobs`
/// are those that the solver was given, in their order.
[[nodiscard]] std::string explain_problems(::Solver* solver, const PackagePool& pool, const std::vector<Job>& jobs);

}  // namespace smith::resolver
