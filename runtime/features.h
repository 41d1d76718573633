// SPDX-License-Identifier: Apache-2.0
//
// What this runtime can do, whatever the kernel below it has (runtime-spec features.md).
#pragma once

#include <string>

namespace smith::runtime {

/// A JSON object, with a final newline.
[[nodiscard]] std::string features_as_json();

}  // namespace smith::runtime
