// SPDX-License-Identifier: Apache-2.0
//
// The launcher (runtime/launcher/launcher.cc) as bytes, and as a file that can be executed but not changed.
#pragma once

#include <cstddef>

#include "base/fd.h"
#include "runtime/kernel.h"

namespace smith::runtime {

extern const unsigned char kLauncherImage[];
extern const std::size_t kLauncherImageSize;

/// A sealed memfd that holds the launcher. Throws Error (system).
[[nodiscard]] UniqueFd make_launcher(Kernel& kernel);

}  // namespace smith::runtime
