// SPDX-License-Identifier: Apache-2.0
#include "builder/did_you_mean.h"

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace smith::builder {

namespace {

// Longer words than any key are compared with nothing: the work grows with the square.
constexpr std::size_t kLongestWord = 64;

/// How many letters must be left out, added, changed or swapped with their neighbour (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last;
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
        before_last = last;
        last = row;
    }
    return last.back();
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
    if (word.size() > kLongestWord) return {};
    std::string_view best;
    // A third of the letters may be wrong, but not so many that "cmd" and "env" look alike.
    std::size_t best_distance = std::min<std::size_t>(word.size() / 3, 3) + 1;
    for (const std::string_view candidate : known) {
        const std::size_t d = distance(word, candidate);
        if (d < best_distance) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
    const std::string_view meant = nearest(word, known);
    return meant.empty() ? std::string() : " (did you mean " + quote(meant) + "?)";
}

}  // namespace smith::builder
