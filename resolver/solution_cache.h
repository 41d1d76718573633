// SPDX-License-Identifier: Apache-2.0
//
// What was solved, so that the same question about the same repositories is not solved again: not even the packages
// that there are to choose from are loaded then. docs/decisions/solution-cache.md. Found by a digest of everything that
// decides a solution; what is damaged counts as absent.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/digest.h"
#include "base/http.h"
#include "base/reporter.h"
#include "resolver/repository.h"
#include "resolver/solve.h"

namespace smith::resolver {

/// As solve(), or what solve() has said to this before, out of `cache_dir` (MetadataOptions::cache_dir).
[[nodiscard]] Solution solve_or_recall(const Request& request, const std::vector<Repository>& repositories,
                                       const std::filesystem::path& cache_dir, HttpClient& http, Reporter& reporter);

/// Nothing for a program that does not know which one it is (base/build_id.h).
[[nodiscard]] std::optional<Digest> solution_key(const Request& request, const std::vector<Repository>& repositories);

class SolutionCache {
public:
    explicit SolutionCache(const std::filesystem::path& cache_dir) : folder_(cache_dir / "solutions") {}

    [[nodiscard]] std::optional<Solution> find(const Digest& key) const;
    /// A cache that cannot be written costs time and nothing else: `reporter` is told in detail.
    void store(const Digest& key, const Solution& solution, Reporter& reporter) const;

private:
    [[nodiscard]] std::filesystem::path path_of(const Digest& key) const;

    std::filesystem::path folder_;
};

}  // namespace smith::resolver
