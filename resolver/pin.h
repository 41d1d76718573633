// SPDX-License-Identifier: Apache-2.0
//
// A package that somebody else's lock names: with as much as that lock knows.
#pragma once

#include <optional>
#include <string>

#include "base/digest.h"
#include "resolver/nevra.h"

namespace smith::resolver {

struct Pin {
    Nevra nevra;  ///< without `arch`, where the lock doesn't say
    std::optional<Checksum> checksum;
    auto operator<=>(const Pin&) const = default;

    /// Whether it means the package `other`. A checksum of another kind says nothing.
    [[nodiscard]] bool matches(const Nevra& other, const Checksum& other_checksum) const;
    [[nodiscard]] std::string str() const;
};

/// "[EPOCH:]VERSION-RELEASE" into a Nevra of `name`, without arch. Throws Error (format).
[[nodiscard]] Nevra parse_evr(std::string name, const std::string& evr);

}  // namespace smith::resolver
