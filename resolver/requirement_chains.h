// SPDX-License-Identifier: Apache-2.0
//
// Why a package is in a lock: the chains of requirements from what the spec asks for to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "resolver/lock.h"

namespace smith::resolver {

struct ChainStep {
    std::string package;  ///< NAME.ARCH
    /// What the package of the next step requires of this one; of the last step, the request that means it.
    std::string reason;
    bool operator==(const ChainStep&) const = default;
};
/// From the package in question to one that was asked for.
using RequirementChain = std::vector<ChainStep>;

struct Requirer {
    std::string package;  ///< NAME.ARCH
    std::string dependency;
    bool operator==(const Requirer&) const = default;
};

/// For every request that leads to `package` (NAME.ARCH) one shortest chain: shortest first, then in the lock's order.
/// None when no requirement leads there: the package was recommended, or the lock has no requirements.
[[nodiscard]] std::vector<RequirementChain> find_chains(const Lock& lock, std::string_view package);

/// All that require something of `package` (NAME.ARCH), sorted.
[[nodiscard]] std::vector<Requirer> find_requirers(const Lock& lock, std::string_view package);

/// The packages that `text` means: a name, NAME.ARCH or a NEVRA as Nevra::str() spells it. Indexes into lock.packages.
[[nodiscard]] std::vector<std::size_t> find_locked(const Lock& lock, std::string_view text);

}  // namespace smith::resolver
