// SPDX-License-Identifier: Apache-2.0
//
// Locks of other tools, read so that a project can move here without a package changing: rpmoci.lock (TOML), and the
// rpm-package-manifest of dnf's manifest plug-in (YAML, versions 0.x).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "resolver/pin.h"

namespace smith::builder {

/// Which packages `text` names for `arch`; the kind of file is told by what it holds. `file` is for messages.
/// Throws Error: spec, with the place, for what is neither of these; format.
[[nodiscard]] std::vector<resolver::Pin> read_foreign_lock(std::string_view text, const std::string& file,
                                                           std::string_view arch);

}  // namespace smith::builder
