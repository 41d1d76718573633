// SPDX-License-Identifier: Apache-2.0
//
// Lays a FileTree down on the host: the one place where paths of an image become paths of a file system. It serves the
// rootfs of a bundle (runtime-spec bundle.md). The tree can't hold "..", nor anything below a link; the directory it is
// laid into is new and ours alone, and every file is still created by *at calls beneath its descriptor.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "base/contents.h"
#include "base/file_tree.h"

namespace smith::builder {

/// Ids of the host.
struct HostOwner {
    uid_t uid;
    gid_t gid;
};

/// Creates everything in `tree` in `directory`, which must exist and be empty. Modes are those of an image (0755,
/// 0644), whatever the umask; `owner` is given to everything, `directory` too, when the caller is root and asks for it.
/// Throws Error: system, when the file system refuses; integrity, from `contents`.
void write_rootfs(const FileTree& tree, const Contents& contents, const std::filesystem::path& directory,
                  std::optional<HostOwner> owner);

}  // namespace smith::builder
