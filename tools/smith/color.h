// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace smith::cli {

enum class ColorMode { automatic, always, never };

}  // namespace smith::cli
