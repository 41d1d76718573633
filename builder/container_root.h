// SPDX-License-Identifier: Apache-2.0
//
// An ordinary user's subordinate ids (subuid(5)) own files that this user may neither make nor remove, but as id 0 of a
// user namespace that maps them.
#pragma once

#include <string>
#include <vector>

#include "runtime/id_maps.h"

namespace smith::builder {

/// Executes `words`, of which the first is a path, as id 0 of a new user namespace with `ids`, and waits for the end.
/// Throws Error (system), also when it fails.
void run_as_container_root(const runtime::IdMappings& ids, std::vector<std::string> words);

}  // namespace smith::builder
