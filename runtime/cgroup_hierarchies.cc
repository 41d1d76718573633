// SPDX-License-Identifier: Apache-2.0
//
// Where the cgroups of this host are mounted, and where in them this process is.
#include <algorithm>

#include "base/bounds.h"
#include "base/error.h"
#include "base/split.h"
#include "runtime/cgroups.h"
#include "runtime/mountinfo.h"

namespace smith::runtime {

namespace {

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// `own` as it is found below the mount point; "/" where it is not below what is mounted.
std::string below_root(const std::string& own, const std::string& root) {
    if (own.find("/..") != std::string::npos) return "/";
    if (root == "/") return own;
    if (own == root || !own.starts_with(root + "/")) return "/";
    return own.substr(root.size());
}

/// A hierarchy of version 2 has no name.
bool is_of(const MountInfo& mount, std::string_view name) {
    if (name.empty()) return mount.type == "cgroup2";
    if (mount.type != "cgroup") return false;
    const std::vector<std::string_view> options = split(mount.super_options, ',');
    const std::vector<std::string_view> controllers = split(name, ',');
    return std::all_of(controllers.begin(), controllers.end(),
                       [&](std::string_view controller) { return contains(options, controller); });
}

}  // namespace

bool CgroupHierarchy::has(std::string_view controller) const noexcept {
    for (std::size_t at = 0; at <= name.size();) {
        const std::size_t end = std::min(name.find(',', at), name.size());
        if (!controller.empty() && std::string_view(name).substr(at, end - at) == controller) return true;
        at = end + 1;
    }
    return false;
}

std::vector<CgroupHierarchy> parse_hierarchies(std::string_view mountinfo, std::string_view cgroup) {
    const std::vector<MountInfo> mounts = parse_mountinfo(mountinfo);
    std::vector<CgroupHierarchy> out;
    // cgroups(7): 4:memory:/user.slice; version 2 is 0::/
    for (const std::string_view line : split(cgroup, '\n')) {
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const std::string name(line.substr(first + 1, second - first - 1));
        const std::string own(line.substr(second + 1));
        const auto mount = std::find_if(mounts.begin(), mounts.end(), [&](const auto& m) { return is_of(m, name); });
        if (mount == mounts.end() || !own.starts_with('/')) continue;
        out.push_back({name, mount->mount_point, below_root(own, mount->root)});
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

std::vector<CgroupHierarchy> find_hierarchies() {
    return parse_hierarchies(read_file("/proc/self/mountinfo", limits::kMaxMountinfoBytes),
                             read_file("/proc/self/cgroup", limits::kMaxMountinfoBytes));
}

}  // namespace smith::runtime
