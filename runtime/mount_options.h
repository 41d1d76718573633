// SPDX-License-Identifier: Apache-2.0
//
// The strings in a mount's `options` (runtime-spec config.md, "Linux mount options"), decoded: attributes of the mount,
// its propagation, and what is left for the file system itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smith::runtime {

struct FileSystemOption {
    std::string key;
    std::optional<std::string> value;  ///< none: a flag
    bool operator==(const FileSystemOption&) const = default;
};

struct MountOptions {
    bool bind = false;
    bool recursive_bind = false;
    // MOUNT_ATTR_*, of the mount itself and of all that is below it.
    std::uint64_t set = 0;
    std::uint64_t clear = 0;
    std::uint64_t recursive_set = 0;
    std::uint64_t recursive_clear = 0;
    std::uint64_t propagation = 0;  ///< MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE or 0: private
    bool recursive_propagation = false;
    bool remount = false;
    bool copy_up = false;
    bool map_ids = false;
    bool recursive_map_ids = false;
    /// What only the file system understands. The kernel's own words for a superblock, such as "dirsync", are among
    /// them.
    std::vector<FileSystemOption> data;
};

/// Every string means something: what is not known here is the file system's.
[[nodiscard]] MountOptions decode_mount_options(const std::vector<std::string>& options);

/// The options that are known by name, in byte order: all others are the file system's own.
[[nodiscard]] std::vector<std::string> mount_option_names();

}  // namespace smith::runtime
