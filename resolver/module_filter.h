// SPDX-License-Identifier: Apache-2.0
//
// Which packages modules hide, as dnf has it (libdnf's dnf_sack_filter_modules): those of streams that are not active;
// and of those that are, whatever has the name of one of their packages and is not theirs. Internal to solving.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "resolver/module_choice.h"
#include "resolver/modules.h"
#include "resolver/solv.h"

namespace smith::resolver {

/// What modules say about the packages of a pool.
struct ModuleFilter {
    /// Hidden packages; and of which stream's making, an index into Modules::streams: its own one, which is not active,
    /// or an active one that has a package of this name.
    std::map<Id, std::size_t> hidden;
    /// Packages of active streams, and a stream that they are of.
    std::map<Id, std::size_t> active;
};

/// `is_exempt`: packages of a repository with module_hotfixes are there whatever modules say.
[[nodiscard]] ModuleFilter filter_by_modules(const ::Pool& pool, const Modules& modules, const ModuleChoice& choice,
                                             const std::function<bool(const ::Repo*)>& is_exempt);

/// The platform that packages say they are of: "platform:el9" out of the "base-module(platform:el9)" that what provides
/// "system-release" provides as well. Nothing when nobody says so, or several say different things.
[[nodiscard]] std::optional<std::string> platform_of_packages(const ::Pool& pool);

}  // namespace smith::resolver
