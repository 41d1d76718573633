// SPDX-License-Identifier: Apache-2.0
//
// What .repo files and dnf.conf say about repositories (dnf.conf(5)), read as data. Which options there are is in
// repo_options.h, how the text is written in ini.h, what $releasever is in repo_vars.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http_access.h"
#include "base/reporter.h"
#include "base/secret.h"
#include "resolver/repo_vars.h"

namespace smith::resolver {

inline constexpr std::chrono::seconds kNeverExpires = std::chrono::seconds::max();

struct RepoConfig {
    std::string id;
    std::string name;
    std::vector<std::string> baseurls;  ///< tried in this order; each ends in '/'
    std::string metalink;               ///< a URL; "" for none
    std::string mirrorlist;             ///< a URL; "" for none
    std::vector<std::string> gpgkeys;   ///< URLs: file, http, https
    bool gpgcheck = true;               ///< unlike dnf's default, and like every distribution's dnf.conf
    bool repo_gpgcheck = false;
    bool enabled = true;
    bool skip_if_unavailable = false;
    int priority = 99;  ///< the lower, the sooner its packages are chosen
    int cost = 1000;    ///< decides between repositories of one priority that have the very same package
    std::vector<std::string> excludepkgs;  ///< package globs: these are not there
    std::vector<std::string> includepkgs;  ///< package globs: when there are any, nothing else is there
    bool module_hotfixes = false;          ///< its packages are there whatever modules say
    /// How long metadata is taken without asking for newer; kNeverExpires; nothing: not said.
    std::optional<std::chrono::seconds> metadata_expire;
    /// Its metadata may be this old, and no older.
    std::optional<std::chrono::seconds> max_age;
    /// How often a download is tried anew; 0: without end; nothing: as often as RetryOptions has it.
    std::optional<int> retries;
    /// For the servers that this configuration names, no others: see access_of().
    Secret username;
    Secret password;
    RepoVars vars;  ///< for the lines of its mirrorlist
    /// Of all connections on its behalf. Requests take access_of(), which knows the credentials too.
    HttpAccess http;

    bool operator==(const RepoConfig&) const = default;
};

/// What [main] of dnf.conf(5) says, and repositories inherit.
struct MainConfig {
    RepoConfig defaults;  ///< of a repository that says nothing itself; no id, no excludepkgs, no includepkgs
    std::vector<std::string> excludepkgs;  ///< of all repositories, beside their own
    std::vector<std::string> includepkgs;  ///< likewise; when there are any, they bind all repositories
    std::optional<bool> best;
    std::optional<bool> install_weak_deps;
    std::string module_platform_id;  ///< such as "platform:el9"; "" for not said
    std::vector<std::string> reposdir{"/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d"};
    std::vector<std::string> varsdir{"/etc/yum/vars", "/etc/dnf/vars"};  ///< a later one wins

    bool operator==(const MainConfig&) const = default;
};

/// Reads [main] of a dnf.conf. Variables are not replaced in it, as with dnf. Options that are not known, or not
/// supported, are warned about with file and line; what is harmless is left out without a word.
/// Throws Error (spec) with file and line.
[[nodiscard]] MainConfig parse_main_config(std::string_view text, const std::string& file, Reporter& reporter,
                                           int first_line = 1);

/// All repositories of a .repo file or dnf.conf, disabled ones too, in the order of the text; the section [main] is
/// left out. Warns as parse_main_config(). `file` is for messages. Throws Error (spec) with file and line.
[[nodiscard]] std::vector<RepoConfig> parse_repo_file(std::string_view text, const std::string& file,
                                                      const RepoVars& vars, Reporter& reporter,
                                                      const MainConfig& main = {}, int first_line = 1);
[[nodiscard]] std::vector<RepoConfig> read_repo_file(const std::filesystem::path& file, const RepoVars& vars,
                                                     Reporter& reporter, const MainConfig& main = {});

/// A repository of which nothing is known but where it is: `url` is a file, http or https URL, or a directory.
/// Throws Error (usage).
[[nodiscard]] RepoConfig repo_from_url(std::string_view id, std::string_view url, const RepoVars& vars);

/// How to reach what belongs to `config`: its `http`, and its user for the hosts of baseurl, metalink and mirrorlist.
[[nodiscard]] HttpAccess access_of(const RepoConfig& config);

/// Whether `id` may be a repository's: it becomes a part of names in the cache.
[[nodiscard]] bool is_repo_id(std::string_view id);
inline constexpr std::string_view kRepoIdRule = "an id is made of letters, digits and -_.:@+, and begins with no dot";

/// `config.retries` in terms of RetryOptions.
[[nodiscard]] std::optional<unsigned> retries_of(const RepoConfig& config);

/// Throws Error (spec) when `config` cannot be used: an odd id, no baseurl, an unknown scheme.
void check_repo(const RepoConfig& config);

}  // namespace smith::resolver
