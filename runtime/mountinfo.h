// SPDX-License-Identifier: Apache-2.0
//
// What is mounted where, as the kernel tells a process: proc_pid_mountinfo(5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smith::runtime {

struct MountInfo {
    std::string root;           ///< which directory of the file system is mounted
    std::string mount_point;    ///< as this process sees it
    std::string type;           ///< of the file system
    std::string super_options;  ///< its own options, with commas
};

/// Lines that are none are left out.
[[nodiscard]] std::vector<MountInfo> parse_mountinfo(std::string_view text);

/// Of this process. Throws Error (system).
[[nodiscard]] std::vector<MountInfo> read_mountinfo();

}  // namespace smith::runtime
