// SPDX-License-Identifier: Apache-2.0
#include "resolver/repo_vars.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"

namespace smith::resolver {

namespace {

// Honest ones have some dozen bytes. Looking for the end of each costs this much, however hostile the text.
constexpr std::size_t kMaxExpressionBytes = 1024;
// libdnf's bound.
constexpr int kMaxExpressionDepth = 32;

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::optional<std::string> value_of(std::string_view name, const RepoVars& vars) {
    if (name == "releasever" && !vars.releasever.empty()) return vars.releasever;
    if (name == "arch" && !vars.arch.empty()) return vars.arch;
    if (name == "basearch" && !vars.basearch.empty()) return vars.basearch;
    const auto it = vars.others.find(std::string(name));
    return it == vars.others.end() ? std::nullopt : std::optional(it->second);
}

bool is_escape(std::string_view text, std::size_t at) {
    return text[at] == '\\' && at + 1 < text.size() &&
           (text[at + 1] == '$' || text[at + 1] == '}' || text[at + 1] == '\\');
}

/// Where the '}' is that ends a word beginning at `at`; npos for none.
std::size_t end_of_word(std::string_view text, std::size_t at) {
    const std::size_t end = std::min(text.size(), at + kMaxExpressionBytes);
    int depth = 0;
    for (; at < end; ++at) {
        if (is_escape(text, at)) {
            ++at;
        } else if (text[at] == '$' && at + 1 < end && text[at + 1] == '{') {
            ++depth;
        } else if (text[at] == '}' && depth-- == 0) {
            return at;
        }
    }
    return std::string_view::npos;
}

std::string substitute(std::string_view text, const RepoVars& vars, int depth);

/// What the expression at `text[at]`, a '$', stands for, and where it ends.
std::pair<std::string, std::size_t> substitute_one(std::string_view text, std::size_t at, const RepoVars& vars,
                                                   int depth) {
    const auto as_written = [&](std::size_t end) { return std::pair(std::string(text.substr(at, end - at)), end); };
    const bool braced = at + 1 < text.size() && text[at + 1] == '{';
    const std::size_t start = at + (braced ? 2 : 1);
    std::size_t end = start;
    while (end < text.size() && is_name_char(text[end])) ++end;
    const std::optional<std::string> value = value_of(text.substr(start, end - start), vars);
    if (!braced) return value ? std::pair(*value, end) : as_written(end);
    if (end >= text.size()) return as_written(end);
    if (text[end] == '}') return value ? std::pair(*value, end + 1) : as_written(end + 1);

    const std::string_view form = text.substr(end, 2);
    if (end == start || (form != ":-" && form != ":+")) return as_written(end);
    const std::size_t close = end_of_word(text, end + 2);
    if (close == std::string_view::npos || depth == kMaxExpressionDepth) return as_written(end);
    const bool is_set = value && !value->empty();
    if (form == ":-" && is_set) return {*value, close + 1};
    if (form == ":+" && !is_set) return {std::string(), close + 1};
    return {substitute(text.substr(end + 2, close - end - 2), vars, depth + 1), close + 1};
}

std::string substitute(std::string_view text, const RepoVars& vars, int depth) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        if (is_escape(text, at)) {
            out += text[at + 1];
            at += 2;
        } else if (text[at] == '$') {
            auto [value, next] = substitute_one(text, at, vars, depth);
            out += value;
            at = next;
        } else {
            out += text[at++];
        }
    }
    return out;
}

}  // namespace

std::string basearch_of(std::string_view arch) {
    // As in the table of rpm's and dnf's own: what is not in it is its own base.
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 24> table{{
        {"amd64", "x86_64"},     {"ia32e", "x86_64"},       {"x86_64_v2", "x86_64"},   {"x86_64_v3", "x86_64"},
        {"x86_64_v4", "x86_64"}, {"i486", "i386"},          {"i586", "i386"},          {"i686", "i386"},
        {"athlon", "i386"},      {"geode", "i386"},         {"armv5tel", "arm"},       {"armv5tejl", "arm"},
        {"armv5tl", "arm"},      {"armv6l", "arm"},         {"armv7l", "arm"},         {"armv8l", "arm"},
        {"armv6hl", "armhfp"},   {"armv7hl", "armhfp"},     {"armv7hnl", "armhfp"},    {"armv8hl", "armhfp"},
        {"ppc64p7", "ppc64"},    {"ppc64pseries", "ppc64"}, {"ppc64iseries", "ppc64"}, {"sh4a", "sh4"},
    }};
    const auto it = std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.first == arch; });
    return std::string(it == table.end() ? arch : it->second);
}

RepoVars repo_vars(std::string_view arch, std::string_view releasever) {
    RepoVars vars;
    vars.arch = arch;
    vars.basearch = basearch_of(arch);
    vars.releasever = releasever;
    if (!releasever.empty()) {
        const std::size_t dot = releasever.find('.');
        vars.others["releasever_major"] = releasever.substr(0, dot);
        vars.others["releasever_minor"] = dot == std::string_view::npos ? "" : releasever.substr(dot + 1);
    }
    return vars;
}

std::string substitute_vars(std::string_view text, const RepoVars& vars) { return substitute(text, vars, 0); }

std::map<std::string, std::string> read_vars_directory(const std::filesystem::path& directory) {
    namespace fs = std::filesystem;
    std::map<std::string, std::string> out;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(directory, none)) {
        if (!entry.is_regular_file(none)) continue;
        const std::string text = read_file(entry.path(), limits::kMaxVariableBytes);
        out[entry.path().filename().string()] = text.substr(0, text.find('\n'));
    }
    return out;
}

}  // namespace smith::resolver
