// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace smith {

/// Takes the next bytes of a stream. Throws when it can't; the stream is then garbage.
using Sink = std::function<void(std::span<const std::byte>)>;

}  // namespace smith
