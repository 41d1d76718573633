// SPDX-License-Identifier: Apache-2.0
//
// A configuration of mock(1), which Oracle's Smith took its repositories from. It is a Python program, and read as
// data: assignments of string literals to config_opts are taken, nothing is evaluated (CVE-2023-6395 is what evaluating
// leads to). What would need evaluating is refused where it concerns repositories, and skipped elsewhere.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/reporter.h"
#include "resolver/repo_config.h"

namespace smith::resolver {

struct MockConfig {
    std::string conf;       ///< config_opts['dnf.conf'], else config_opts['yum.conf']: the text of a dnf.conf
    std::string conf_file;  ///< the file where it stands, and in which line
    int conf_line = 1;
    std::string releasever;   ///< config_opts['releasever']; "" for not said
    std::string target_arch;  ///< config_opts['target_arch']; "" for not said

    /// [main] of `conf`. As parse_main_config().
    [[nodiscard]] MainConfig main(Reporter& reporter) const;
    /// The repositories of `conf`. As parse_repo_file().
    [[nodiscard]] std::vector<RepoConfig> repos(const RepoVars& vars, const MainConfig& main, Reporter& reporter) const;

    bool operator==(const MockConfig&) const = default;
};

/// The text of the file that an include('NAME') means.
using ReadIncluded = std::function<std::string(const std::string& name)>;

/// `file` is for messages. include('NAME') with a plain name is followed, 8 deep at most. "{{ name }}" in `conf` is
/// config_opts['name'], where that is a string; any other template is refused.
/// Throws Error (spec) with file and line: a string that does not end, an assignment to a setting above that is
/// computed or conditional, no yum.conf and no dnf.conf.
[[nodiscard]] MockConfig parse_mock_config(std::string_view text, const std::string& file,
                                           const ReadIncluded& included);

/// Included files are relative to the folder of `file`. Throws Error: spec, system.
[[nodiscard]] MockConfig read_mock_config(const std::filesystem::path& file);

}  // namespace smith::resolver
