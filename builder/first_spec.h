// SPDX-License-Identifier: Apache-2.0
//
// A spec to start from, for `smith init`: what can be found out about a package or an image without running it.
#pragma once

#include <string>

#include "base/reporter.h"
#include "builder/project.h"

namespace smith::builder {

/// YAML, with comments for what a person should decide. `source`: an image, as a spec's `package` names one, or a
/// package of the project's repositories. Throws Error as a build does.
[[nodiscard]] std::string first_spec(const std::string& source, const ProjectOptions& options,
                                     const Environment& environment, Reporter& reporter);

}  // namespace smith::builder
