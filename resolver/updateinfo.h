// SPDX-License-Identifier: Apache-2.0
//
// What distributors say about updates: updateinfo.xml, read from front to back, keeping nothing but advisories about
// the packages that are asked for.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "resolver/metadata_stream.h"
#include "resolver/nevra.h"

namespace smith::resolver {

struct Advisory {
    std::string id;        ///< such as "RHSA-2024:1234"
    std::string type;      ///< "security", "bugfix", "enhancement", "newpackage"
    std::string severity;  ///< "Critical", "Important", "Moderate", "Low"; "" for none
    std::string title;
    std::vector<std::string> cves;  ///< sorted
    std::vector<Nevra> packages;    ///< those that were asked for, in the version that has the fix; sorted

    bool operator==(const Advisory&) const = default;
};

/// Those that are about packages of these `names`. Reads `updateinfo` to its end and verifies it.
/// Throws Error: format, integrity.
[[nodiscard]] std::vector<Advisory> find_advisories(MetadataStream& updateinfo,
                                                    const std::set<std::string, std::less<>>& names);

/// Whether going from `before` to `after`, versions of one package, brings what `advisory` is about: it names a version
/// later than the first, and no later than the second.
[[nodiscard]] bool concerns(const Advisory& advisory, const Nevra& before, const Nevra& after);

}  // namespace smith::resolver
