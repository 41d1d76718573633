// SPDX-License-Identifier: Apache-2.0
//
// Who owns an image, as whom it runs, and the files through which its programs look names up. All names live in the
// image: nothing is ever asked of the build machine's accounts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "builder/spec.h"

namespace smith::builder {

struct Accounts {
    std::uint32_t uid = 10;  ///< owner of every file, and who runs unless the spec says `root: true`
    std::uint32_t gid = 10;
    std::string user = "smith";
    std::string group = "smith";
    /// Of the spec's `groups`, ascending. A runtime finds them in /etc/group by itself; config.json must list them.
    std::vector<std::uint32_t> additional_gids;
    /// "User" of the image configuration: "10:10"; "0:0" for `root: true`, whose files still belong to `uid`.
    std::string config_user;

    /// The three files are part of the image: `nss: true`, a user or group by name, or `groups`. The overlay may
    /// still replace them.
    bool write_files = false;
    std::string passwd;
    std::string group_file;
    std::string nsswitch;
};

/// Throws Error (spec), beginning with the location, for a user or group that can't be.
[[nodiscard]] Accounts make_accounts(const Spec& spec);

/// Path in the image and content of the files; none without `write_files`.
[[nodiscard]] std::vector<std::pair<ImagePath, std::string>> account_files(const Accounts& accounts);

/// Globs for the libraries that nsswitch.conf names. They are opened by name, so no ELF header asks for them. Finding
/// none is fine: glibc has had "files" and "dns" built in since 2.34.
[[nodiscard]] std::vector<std::string> nss_library_patterns();

/// "u[:g]" in its parts, "" where nothing is given. Throws Error (spec) unless each is an id, 0 to 4294967294 in plain
/// digits, or a name: a letter or "_", then letters, digits, "_", "." and "-", at most 32 bytes. What useradd(8) would
/// refuse could break the lines of /etc/passwd, or be read as another user than the one that was meant
/// (CVE-2026-30892: "0 " and "+0" are root to some).
struct UserSpelling {
    std::string user;
    std::string group;
};
[[nodiscard]] UserSpelling parse_user(std::string_view text);

/// Throws Error (spec) when `name` is not a name as above.
void check_account_name(std::string_view name);

}  // namespace smith::builder
