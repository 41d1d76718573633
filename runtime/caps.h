// SPDX-License-Identifier: Apache-2.0
//
// Capabilities: their names, and giving all but the chosen ones away.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/config.h"
#include "runtime/kernel.h"

namespace smith::runtime {

/// The number of "CAP_NET_BIND_SERVICE", spelt as in capabilities(7). Nothing for other words.
[[nodiscard]] std::optional<int> capability_number(std::string_view name) noexcept;

/// The names of those below are known.
[[nodiscard]] unsigned capability_count() noexcept;
[[nodiscard]] std::string_view capability_name(unsigned number) noexcept;

/// What this process could give. Throws Error (system).
[[nodiscard]] std::uint64_t own_permitted_capabilities();

/// Between clone and execve. First the bounding set is cut, which needs CAP_SETPCAP; then identity changes, which may
/// take capabilities away and must not; then `limit_capabilities` sets the remaining four sets.
Result cut_bounding_set(Kernel& kernel, std::uint64_t keep) noexcept;
Result limit_capabilities(Kernel& kernel, const Capabilities& capabilities) noexcept;

}  // namespace smith::runtime
