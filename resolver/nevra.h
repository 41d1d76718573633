// SPDX-License-Identifier: Apache-2.0
//
// Who a package is: name, epoch, version, release, architecture. As a value it sorts by bytes, so that lists of
// packages have one order everywhere; which of two versions is the newer one is another question (compare_evr).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace smith::resolver {

struct Nevra {
    std::string name;
    std::uint32_t epoch = 0;
    std::string version;
    std::string release;
    std::string arch;

    auto operator<=>(const Nevra&) const = default;

    /// "[epoch:]version-release"; an epoch of 0 is left out.
    [[nodiscard]] std::string evr() const;
    /// "name-[epoch:]version-release.arch", as rpm and dnf print it.
    [[nodiscard]] std::string str() const;
    /// "name.arch": a lock's name for a package, whatever its version.
    [[nodiscard]] std::string name_arch() const { return name + "." + arch; }
    /// The inverse of str(). Throws Error (format).
    [[nodiscard]] static Nevra parse(std::string_view text);
};

/// Negative, zero or positive: whether `a` is older than, as old as or newer than `b`, by rpm's rules. Names and
/// architectures do not count.
[[nodiscard]] int compare_evr(const Nevra& a, const Nevra& b);

}  // namespace smith::resolver
