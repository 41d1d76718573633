// SPDX-License-Identifier: Apache-2.0
//
// The mount option `tmpcopyup`: a tmpfs begins with what the image has in its place. Runs between clone and execve.
#pragma once

#include "runtime/kernel.h"

namespace smith::runtime {

/// Copies all that is below directory `from` into directory `to`: directories, regular files and symbolic links with
/// their modes and owners; nothing else, since a container makes no other files. Never follows a link, and never leaves
/// the mount of `from`. Returns 0 or -errno; -ELOOP for directories nested deeper than 64.
Result copy_up(Kernel& kernel, int from, int to) noexcept;

}  // namespace smith::runtime
