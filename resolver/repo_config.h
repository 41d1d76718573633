// SPDX-License-Identifier: Apache-2.0
//
// What a .repo file says about a repository (dnf.conf(5), "Repo Options"), read as data: sections, `key=value`,
// continuation lines, and the variables that dnf knows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace smith::resolver {

struct RepoConfig {
    std::string id;
    std::string name;
    std::vector<std::string> baseurls;  ///< tried in this order; each ends in '/'
    std::vector<std::string> gpgkeys;   ///< URLs: file, http, https
    bool gpgcheck = true;               ///< unlike dnf's default, and like every distribution's dnf.conf
    bool repo_gpgcheck = false;
    bool enabled = true;
    bool skip_if_unavailable = false;
    int priority = 99;  ///< the lower, the sooner its packages are chosen
    int cost = 1000;    ///< decides between repositories of one priority that have the very same package
    std::vector<std::string> excludepkgs;  ///< package globs: these are not there
    std::vector<std::string> includepkgs;  ///< package globs: when there are any, nothing else is there
    /// Keys that are known to dnf and not yet to us. Whoever shows a configuration to people says so.
    std::vector<std::string> ignored;

    bool operator==(const RepoConfig&) const = default;
};

/// What `$name` and `${name}` stand for. An unknown variable stays as it is written, as dnf has it.
struct RepoVars {
    std::string releasever;
    std::string arch;
    std::string basearch;
    std::map<std::string, std::string> others;
};

/// dnf's $basearch of an rpm architecture: i686 is i386, armv7hl is armhfp; most are their own.
[[nodiscard]] std::string basearch_of(std::string_view arch);
/// `arch` and what follows from it.
[[nodiscard]] RepoVars repo_vars(std::string_view arch, std::string_view releasever);

[[nodiscard]] std::string substitute_vars(std::string_view text, const RepoVars& vars);

/// All repositories of a .repo file, disabled ones too; the section [main] is left out. `file` is for messages.
/// Throws Error (spec) with file and line.
[[nodiscard]] std::vector<RepoConfig> parse_repo_file(std::string_view text, const std::string& file,
                                                      const RepoVars& vars);
[[nodiscard]] std::vector<RepoConfig> read_repo_file(const std::filesystem::path& file, const RepoVars& vars);

/// A repository of which nothing is known but where it is: `url` is a file, http or https URL, or a directory.
/// Throws Error (usage).
[[nodiscard]] RepoConfig repo_from_url(std::string_view id, std::string_view url, const RepoVars& vars);

/// Throws Error (spec) when `config` cannot be used: an odd id, no baseurl, an unknown scheme.
void check_repo(const RepoConfig& config);

}  // namespace smith::resolver
