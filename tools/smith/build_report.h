// SPDX-License-Identifier: Apache-2.0
//
// How `build` and `convert` tell what they made.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "builder/build.h"

namespace smith::cli {

[[nodiscard]] nlohmann::json build_json(const builder::BuildResult& result);
/// One line; of an image that was made from another one more, about what was left out.
[[nodiscard]] std::string build_summary(const builder::BuildResult& result);

}  // namespace smith::cli
