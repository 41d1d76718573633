// SPDX-License-Identifier: Apache-2.0
//
// Wildcards within one name: `*`, `?`, `[a-z]`, `[!a-z]` or `[^a-z]`, and `\` before a character that shall mean
// itself. By bytes, whatever the locale. Header only; fnmatch(3) would depend on the locale.
#pragma once

#include <cstddef>
#include <string_view>

namespace smith {

namespace wildcard_detail {

inline bool is_in_range(char low, char high, char c) noexcept {
    const auto byte = [](char x) { return static_cast<unsigned char>(x); };
    return byte(low) <= byte(c) && byte(c) <= byte(high);
}

/// Reads one element of a pattern, beginning at `at`, and says whether `c` is what it stands for. `at` moves behind it.
/// A `[` without its `]` stands for itself.
inline bool matches_one(std::string_view pattern, std::size_t& at, char c) noexcept {
    const char first = pattern[at++];
    if (first == '?') return true;
    if (first == '\\' && at < pattern.size()) return pattern[at++] == c;
    if (first != '[') return first == c;

    std::size_t i = at;
    const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    if (negated) ++i;
    bool found = false;
    // A `]` that comes first stands for itself, as in a shell.
    for (bool is_first = true; i < pattern.size() && (is_first || pattern[i] != ']'); is_first = false) {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
        const char low = pattern[i++];
        char high = low;
        if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
            ++i;
            if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
            high = pattern[i++];
        }
        found = found || is_in_range(low, high, c);
    }
    if (i >= pattern.size()) return c == '[';
    at = i + 1;
    return found != negated;
}

}  // namespace wildcard_detail

/// Takes at most |pattern| x |name| steps: after a mismatch only the last `*` is tried further, which is enough,
/// because any match of what stands before it is as good as another.
[[nodiscard]] inline bool wildcard_matches(std::string_view pattern, std::string_view name) noexcept {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t after_star = std::string_view::npos;
    std::size_t star_name = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            after_star = ++p;
            star_name = n;
            continue;
        }
        if (p < pattern.size() && wildcard_detail::matches_one(pattern, p, name[n])) {
            ++n;
            continue;
        }
        if (after_star == std::string_view::npos) return false;
        p = after_star;
        n = ++star_name;
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

/// True when `pattern` stands for more than itself.
[[nodiscard]] inline bool has_wildcards(std::string_view pattern) noexcept {
    return pattern.find_first_of("*?[\\") != std::string_view::npos;
}

}  // namespace smith
