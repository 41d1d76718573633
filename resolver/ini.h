// SPDX-License-Identifier: Apache-2.0
//
// The text format of .repo files and dnf.conf: sections, `key=value`, continuation lines, comments. As libdnf reads it,
// but that comments and empty lines may stand between continuation lines, as yum allowed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smith::resolver {

struct IniEntry {
    std::string key;    ///< as written: dnf's keys are lower case
    std::string value;  ///< without the white space around it, or quotes around all of it; lines joined by '\n'
    int line = 0;
};

struct IniSection {
    std::string name;
    int line = 0;
    std::vector<IniEntry> entries;  ///< in the order of the text; no key twice: the last one counts
};

/// Sections in the order of their first appearance; what a later one of the same name says is added to the first.
/// `file` is for messages; `first_line` is the number of the text's first line.
/// Throws Error (spec) with file and line.
[[nodiscard]] std::vector<IniSection> parse_ini(std::string_view text, const std::string& file, int first_line = 1);

/// Splits at white space, commas and line breaks, as dnf does with lists.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);

}  // namespace smith::resolver
