// SPDX-License-Identifier: Apache-2.0
//
// What `smith update` would change, and whether it matters: which of it ships, and what distributors say about it.
#pragma once

#include <string>
#include <vector>

#include "base/reporter.h"
#include "builder/project.h"
#include "resolver/updateinfo.h"

namespace smith::builder {

struct OutdatedPackage {
    PackageChange change;
    /// Files of it are in the image that the lock remembers. False too when there is no such image: see
    /// Outdated::knows_image.
    bool ships = false;
    std::vector<resolver::Advisory> advisories;  ///< what the change brings; sorted by id
};

struct Outdated {
    std::vector<OutdatedPackage> packages;  ///< those that ship first, then by name
    bool knows_image = false;
};

/// Solves anew and compares; writes nothing. Throws Error: spec, usage (there is no lock), resolve, fetch, integrity.
[[nodiscard]] Outdated find_outdated(const Project& project, const Environment& environment, Reporter& reporter);

}  // namespace smith::builder
