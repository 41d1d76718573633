// SPDX-License-Identifier: Apache-2.0
//
// Solving in a pool that somebody has filled: what solve() does after reading metadata, and what scenario tests call.
#pragma once

#include "resolver/package_pool.h"
#include "resolver/solve.h"

namespace smith::resolver {

/// Reads the modules of all repositories in `pool`, and hides what `request` leaves inactive. Before pool.prepare().
void apply_modules(const Request& request, PackagePool& pool, HttpClient& http, Reporter& reporter);

/// As solve(). Adds request.local_rpms to `pool`, and files that it looked up.
[[nodiscard]] Solution solve_in_pool(const Request& request, PackagePool& pool, HttpClient& http, Reporter& reporter);

}  // namespace smith::resolver
