// SPDX-License-Identifier: Apache-2.0
//
// The root of a container that has no mount namespace of its own is mounted where this process sees it, and must be
// unmounted there when the container is gone; but never the mount that was there before.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/kernel.h"

namespace smith::runtime {

struct RootMount {
    std::string path;          ///< "": there is nothing to unmount
    std::uint64_t before = 0;  ///< the id of the mount that `path` was on before
};

/// To be called before the container is started. Throws Error (system).
[[nodiscard]] RootMount remember_root(Kernel& kernel, const std::string& path);

/// Unmounts what is on `mount.path` if it has come since, with all that is mounted in it.
void detach_root(Kernel& kernel, const RootMount& mount) noexcept;

}  // namespace smith::runtime
