// SPDX-License-Identifier: Apache-2.0
//
// The variables of .repo files (dnf.conf(5), "Variables"): $releasever, $basearch, $arch, and those that a
// distribution puts into /etc/dnf/vars.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace smith::resolver {

struct RepoVars {
    std::string releasever;
    std::string arch;
    std::string basearch;
    std::map<std::string, std::string> others;

    bool operator==(const RepoVars&) const = default;
};

/// dnf's $basearch of an rpm architecture: i686 is i386, armv7hl is armhfp; most are their own.
[[nodiscard]] std::string basearch_of(std::string_view arch);
/// `arch` and what follows from it; `releasever`, $releasever_major and $releasever_minor.
[[nodiscard]] RepoVars repo_vars(std::string_view arch, std::string_view releasever);

/// Replaces $NAME and ${NAME}; an unknown variable stays as it is written. ${NAME:-WORD} is WORD where NAME is unknown
/// or empty; ${NAME:+WORD} is WORD where it is neither, else nothing; WORD may hold variables. "\$", "\}" and "\\" are
/// the character without a meaning. An expression of more than 1024 bytes, or 32 deep, stays as it is written.
[[nodiscard]] std::string substitute_vars(std::string_view text, const RepoVars& vars);

/// The files of `directory`, by name: their first line. None where there is no such directory.
/// Throws Error (system, or format for a line that is too long).
[[nodiscard]] std::map<std::string, std::string> read_vars_directory(const std::filesystem::path& directory);

}  // namespace smith::resolver
