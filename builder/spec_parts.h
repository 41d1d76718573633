// SPDX-License-Identifier: Apache-2.0
//
// The parts of a spec that are maps of their own, one file each: `repos`, `test`, and what is in `mock`, `healthcheck`
// and `features`.
#pragma once

#include <vector>

#include "builder/spec.h"
#include "builder/spec_fields.h"

namespace smith::builder {

[[nodiscard]] std::vector<RepoSpec> read_repos(const Field& field);
[[nodiscard]] std::vector<TestStep> read_test_steps(const Field& field);
[[nodiscard]] MockSpec read_mock(const Field& field);
[[nodiscard]] std::optional<Healthcheck> read_healthcheck(const Field& field);
[[nodiscard]] Features read_features(const Field& field);

}  // namespace smith::builder
