// SPDX-License-Identifier: Apache-2.0
//
// Which streams of modules are active: those that are asked for, those that are a module's default, and what these
// require of other modules and of the platform. As libdnf decides it (ModulePackageContainer), with the same solver.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/reporter.h"
#include "resolver/modules.h"

namespace smith::resolver {

/// "NAME[:STREAM][/PROFILE]", as in "dnf module install".
struct ModuleSpec {
    std::string name;
    std::string stream;   ///< "": the default one, or the only one
    std::string profile;  ///< "": the default ones
    auto operator<=>(const ModuleSpec&) const = default;

    [[nodiscard]] static ModuleSpec parse(std::string_view text);
};

struct ModuleRequest {
    /// "NAME:STREAM", "NAME" (its default stream, or its only one), or "-NAME": a module that is to be as if it were
    /// not there.
    std::vector<std::string> specs;
    /// Likewise, what a machine has been set to: `specs` overrule it, and what is not there is left out.
    std::vector<std::string> preset;
    std::string platform;  ///< "platform:el9"; "": not known, and what requires one is not active
    std::string arch;
};

struct ModuleChoice {
    std::vector<bool> active;  ///< of Modules::streams
};

/// Throws Error (resolve) for a module or stream that is not there, and for what is asked for and cannot be had, with
/// every reason. A default stream that cannot be had is left out, which `reporter` is told.
[[nodiscard]] ModuleChoice choose_modules(const Modules& modules, const ModuleRequest& request, Reporter& reporter);

}  // namespace smith::resolver
