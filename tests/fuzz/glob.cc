// SPDX-License-Identifier: Apache-2.0
//
// A pattern and a path, a newline between them: our matcher agrees with the simplest one that can be written, and what
// is escaped matches itself.
#include "builder/glob.h"

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"

namespace {

using smith::ImagePath;
using smith::builder::Glob;

/// Whether `c` is in the set that begins behind a '[' at `p`; `p` moves behind its ']'.
bool in_set(const std::string& pattern, std::size_t& p, unsigned char c) {
    const bool negated = pattern[p] == '!' || pattern[p] == '^';
    if (negated) ++p;
    bool found = false;
    for (bool first = true; first || pattern[p] != ']'; first = false) {
        if (pattern[p] == '\\') ++p;
        const auto low = static_cast<unsigned char>(pattern[p++]);
        auto high = low;
        if (pattern[p] == '-' && pattern[p + 1] != ']') {
            ++p;
            if (pattern[p] == '\\') ++p;
            high = static_cast<unsigned char>(pattern[p++]);
        }
        found = found || (low <= c && c <= high);
    }
    ++p;
    return found != negated;
}

/// By trying everything: exponential, which is why inputs are kept short.
bool name_matches(const std::string& pattern, std::size_t p, const std::string& name, std::size_t n) {
    if (p == pattern.size()) return n == name.size();
    if (pattern[p] == '*') {
        return name_matches(pattern, p + 1, name, n) || (n < name.size() && name_matches(pattern, p, name, n + 1));
    }
    if (n == name.size()) return false;
    if (pattern[p] == '?') return name_matches(pattern, p + 1, name, n + 1);
    if (pattern[p] == '[') {
        ++p;
        return in_set(pattern, p, static_cast<unsigned char>(name[n])) && name_matches(pattern, p, name, n + 1);
    }
    if (pattern[p] == '\\') ++p;
    return pattern[p] == name[n] && name_matches(pattern, p + 1, name, n + 1);
}

bool path_matches(const std::vector<std::string>& pattern, std::size_t i, const std::vector<std::string>& path,
                  std::size_t j) {
    if (i == pattern.size()) return j == path.size();
    if (pattern[i] == "**") {
        const bool is_last = i + 1 == pattern.size();
        if (is_last) return j < path.size();
        return path_matches(pattern, i + 1, path, j) || (j < path.size() && path_matches(pattern, i, path, j + 1));
    }
    return j < path.size() && name_matches(pattern[i], 0, path[j], 0) && path_matches(pattern, i + 1, path, j + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 40) return 0;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::size_t newline = text.find('\n');
    if (newline == std::string::npos) return 0;
    try {
        const Glob glob(text.substr(0, newline));
        const ImagePath path = ImagePath::parse(text.substr(newline + 1));
        std::vector<std::string> names;
        for (const std::string_view name : path.components()) names.emplace_back(name);
        if (glob.matches(path) != path_matches(glob.components(), 0, names, 0)) std::abort();

        smith::FileTree tree;
        if (!path.is_root()) tree.put(path, {smith::Regular{}, {}});
        for (const ImagePath& found : smith::builder::find_matches(tree, glob).paths) {
            if (!glob.matches(found)) std::abort();
        }
        if (!Glob(smith::builder::escape_glob(path.str())).matches(path)) std::abort();
        static_cast<void>(smith::builder::suggest_paths(tree, glob));
    } catch (const smith::Error&) {
        // No pattern, or no path.
    }
    return 0;
}
