// SPDX-License-Identifier: Apache-2.0
//
// As whom an image runs: "User" of its configuration (image-spec config.md), names looked up in the image's own
// /etc/passwd and /etc/group, never in the host's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/contents.h"
#include "base/file_tree.h"

namespace smith::builder {

struct ImageUser {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> additional_gids;  ///< groups that the user is a member of, ascending, without `gid`
    std::string home = "/";                      ///< as /etc/passwd has it
};

/// `user`: "", "uid", "name", each with or without ":gid" or ":group". A uid without a group takes the one that
/// /etc/passwd gives it, else 0, as docker does. Throws Error (spec) for a name that the image does not know.
[[nodiscard]] ImageUser resolve_user(std::string_view user, const FileTree& tree, const Contents& contents);

}  // namespace smith::builder
