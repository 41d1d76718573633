// SPDX-License-Identifier: Apache-2.0
//
// What `smith lock`, `smith update` and `smith outdated` tell: how the lock differs from what it was.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "builder/project.h"
#include "resolver/lock.h"
#include "tools/smith/context.h"

namespace smith::cli {

/// Writes the changes to standard output, one a line ("+ NEVRA", "- NEVRA", "NEVRA -> NEVRA"), or with --json a
/// document with them. `before`: nothing where there was no lock.
void report_lock(const builder::Project& project, const std::optional<resolver::Lock>& before,
                 const resolver::Lock& after, const Context& context);

/// "NEVRA -> NEVRA", `note`, and a newline.
[[nodiscard]] std::string change_line(const builder::PackageChange& change, std::string_view note = {});
/// {"name", "before", "after"}
[[nodiscard]] nlohmann::json change_json(const builder::PackageChange& change);

}  // namespace smith::cli
