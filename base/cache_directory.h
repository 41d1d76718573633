// SPDX-License-Identifier: Apache-2.0
//
// Where smith keeps what it can make or fetch again. A cache may be shared by concurrent builds and deleted at any
// time: whoever writes to it makes its directory right before, and whoever misses something gets it anew
// (Error::is_not_found).
#pragma once

#include <filesystem>

#include "base/error.h"

namespace smith {

/// `$XDG_CACHE_HOME/smith`, else `$HOME/.cache/smith` (XDG base directories; a relative value is ignored, as it says).
/// Throws Error (usage) when neither is set.
[[nodiscard]] std::filesystem::path default_cache_directory();

/// Makes `directory`, be it a cache or one below it, and what is missing above it; nothing when it is there. All that
/// is made is made for its owner alone, whatever the umask: who can write to a cache decides what is in the images (and
/// XDG base directories ask for 0700). A deletion meanwhile is outlived. Throws Error (system).
void make_cache_directory(const std::filesystem::path& directory);

/// How often somebody may delete the cache under one build; each time costs what was in it.
inline constexpr int kMostDeletions = 8;

/// Runs `body`, which reads what it has put into the cache, and again each time that it missed a file.
template <typename Body>
auto outliving_deletions(Body&& body) -> decltype(body()) {
    for (int deletions = 0;; ++deletions) {
        try {
            return body();
        } catch (const Error& e) {
            if (!e.is_not_found() || deletions == kMostDeletions) throw;
        }
    }
}

}  // namespace smith
