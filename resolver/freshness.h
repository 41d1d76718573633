// SPDX-License-Identifier: Apache-2.0
//
// Metadata that was good once is good for an attack later: with an old repomd.xml, whoever answers for a repository
// holds back every fix since, and its signature is genuine (Cappos et al., "A Look In the Mirror", replay and freeze
// attacks). So metadata may not go back in time, and may be bound not to stand still.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "resolver/repomd.h"

namespace smith::resolver {

struct Freshness {
    std::optional<std::uint64_t> last_seen;       ///< timestamp of the one that this cache saw last
    std::optional<std::uint64_t> locked;          ///< timestamp of the one that the lock was made of
    std::optional<std::chrono::seconds> max_age;  ///< the repository's `max_age`
};

/// Throws Error (integrity) when `repomd` is older than it may be at `now` (seconds since 1970). One that does not say
/// when it was made is only held against `max_age`, and never fulfils it.
void check_freshness(const Repomd& repomd, const Freshness& expected, std::uint64_t now);

}  // namespace smith::resolver
