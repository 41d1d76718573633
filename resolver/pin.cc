// SPDX-License-Identifier: Apache-2.0
#include "resolver/pin.h"

#include <utility>

namespace smith::resolver {

bool Pin::matches(const Nevra& other, const Checksum& other_checksum) const {
    Nevra mine = nevra;
    if (mine.arch.empty()) mine.arch = other.arch;
    if (mine != other) return false;
    return !checksum || checksum->algorithm != other_checksum.algorithm || *checksum == other_checksum;
}

std::string Pin::str() const { return nevra.arch.empty() ? nevra.name + "-" + nevra.evr() : nevra.str(); }

Nevra parse_evr(std::string name, const std::string& evr) {
    // Nevra::parse knows the rules; what the lock doesn't say is lent to it.
    const bool says_zero = evr.starts_with("0:");
    Nevra out = Nevra::parse("x-" + (says_zero ? evr.substr(2) : evr) + ".noarch");
    out.name = std::move(name);
    out.arch.clear();
    return out;
}

}  // namespace smith::resolver
