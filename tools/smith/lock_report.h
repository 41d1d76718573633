// SPDX-License-Identifier: Apache-2.0
//
// What `smith lock` and `smith update` tell: how the lock differs from what it was.
#pragma once

#include <optional>

#include "builder/project.h"
#include "resolver/lock.h"
#include "tools/smith/context.h"

namespace smith::cli {

/// Writes the changes to standard output, one a line ("+ NEVRA", "- NEVRA", "NEVRA -> NEVRA"), or with --json a
/// document with them. `before`: nothing where there was no lock.
void report_lock(const builder::Project& project, const std::optional<resolver::Lock>& before,
                 const resolver::Lock& after, const Context& context);

}  // namespace smith::cli
