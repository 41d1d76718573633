// SPDX-License-Identifier: Apache-2.0
//
// Idmapped mounts (mount options `idmap` and `ridmap`, Linux 5.12): files seem to belong to other ids than they do on
// disk. The kernel takes the mapping from a user namespace, so one is made for that purpose, without anybody in it.
#pragma once

#include <vector>

#include "base/fd.h"
#include "runtime/config.h"
#include "runtime/kernel.h"

namespace smith::runtime {

/// A user namespace with these mappings. Throws Error (system): not allowed, for an ordinary user.
[[nodiscard]] UniqueFd make_user_namespace(Kernel& kernel, const std::vector<IdMap>& uids,
                                           const std::vector<IdMap>& gids);

/// Maps the ids of the detached mount `tree`. Throws Error (system); "the file system cannot do that" for EINVAL.
void map_ids(Kernel& kernel, int tree, bool recursive, int user_namespace);

}  // namespace smith::runtime
