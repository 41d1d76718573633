// SPDX-License-Identifier: Apache-2.0
//
// The options that dnf.conf(5) knows, by name: which of them a repository takes, how their values are written, and
// which of them are nothing to us.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "resolver/repo_config.h"

namespace smith::resolver {

enum class OptionKind {
    repository,   ///< for set_repo_option()
    harmless,     ///< dnf knows it, and it cannot change what is downloaded: a cache's place, a colour
    unsupported,  ///< dnf knows it, and does something that is not done here
    unknown,      ///< dnf knows it neither
};

/// `in_main`: in the section [main], where repositories inherit from. Names are as written: dnf's are lower case.
[[nodiscard]] OptionKind kind_of_option(std::string_view key, bool in_main);

/// Sets an option of OptionKind::repository. Throws Error (spec) when `value`, whose variables are replaced already, is
/// not one of that option.
void set_repo_option(RepoConfig& repo, std::string_view key, std::string_view value);

/// "1", "yes", "true", "on", "enabled" and their contraries, in any case. Throws Error (spec).
[[nodiscard]] bool parse_dnf_bool(std::string_view text);
/// "90", "30m", "6h", "1.5d"; "-1" and "never" are kNeverExpires. Throws Error (spec).
[[nodiscard]] std::chrono::seconds parse_dnf_duration(std::string_view text);
/// Bytes: "1000", "10k", "1.5M", "1G", in units of 1024. Throws Error (spec).
[[nodiscard]] long parse_dnf_bytes(std::string_view text);
/// A method of dnf.conf(5), "proxy_auth_method". Throws Error (spec).
[[nodiscard]] ProxyAuth parse_proxy_auth(std::string_view text);
/// A URL, with or without scheme; "" and "_none_" mean a direct connection. Throws Error (spec).
[[nodiscard]] std::string parse_proxy(std::string_view text);

}  // namespace smith::resolver
