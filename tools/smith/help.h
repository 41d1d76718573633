// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "tools/smith/command_table.h"

namespace smith::cli {

/// What `smith COMMAND --help` prints; for kBare, what `smith --help` does.
[[nodiscard]] std::string help_text(Commands command);

/// `text` in lines of at most `width` bytes, broken at spaces; each line but the first begins with `indent` spaces.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t width, std::size_t indent);

}  // namespace smith::cli
