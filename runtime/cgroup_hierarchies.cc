// SPDX-License-Identifier: Apache-2.0
//
// Where the cgroups of this host are mounted, and where in them this process is.
#include <algorithm>

#include "base/bounds.h"
#include "base/error.h"
#include "runtime/cgroups.h"

namespace smith::runtime {

namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// A field of mountinfo: space, tab, newline and backslash are "\040" and so on.
std::string unescape(std::string_view field) {
    std::string out;
    for (std::size_t i = 0; i < field.size(); ++i) {
        const auto octal = [&](std::size_t at) { return field[at] >= '0' && field[at] <= '7'; };
        if (field[i] == '\\' && i + 3 < field.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
            out += static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0'));
            i += 3;
        } else {
            out += field[i];
        }
    }
    return out;
}

struct CgroupMount {
    std::string root;  ///< which directory of the hierarchy is mounted
    std::string mount_point;
    bool unified = false;
    std::vector<std::string_view> options;
};

/// proc_pid_mountinfo(5): 36 35 0:30 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory
std::vector<CgroupMount> cgroup_mounts(std::string_view mountinfo) {
    std::vector<CgroupMount> out;
    for (const std::string_view line : split(mountinfo, '\n')) {
        const std::vector<std::string_view> fields = split(line, ' ');
        const auto dash = std::find(fields.begin(), fields.end(), "-");
        if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
        const std::string_view type = *(dash + 1);
        if (type != "cgroup" && type != "cgroup2") continue;
        out.push_back({unescape(fields[3]), unescape(fields[4]), type == "cgroup2", split(*(dash + 3), ',')});
    }
    return out;
}

/// `own` as it is found below the mount point; "/" where it is not below what is mounted.
std::string below_root(const std::string& own, const std::string& root) {
    if (own.find("/..") != std::string::npos) return "/";
    if (root == "/") return own;
    if (own == root || !own.starts_with(root + "/")) return "/";
    return own.substr(root.size());
}

bool is_of(const CgroupMount& mount, std::string_view name) {
    if (name.empty() || mount.unified) return name.empty() && mount.unified;
    const std::vector<std::string_view> controllers = split(name, ',');
    return std::all_of(controllers.begin(), controllers.end(),
                       [&](std::string_view controller) { return contains(mount.options, controller); });
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
    const std::vector<CgroupMount> mounts = cgroup_mounts(mountinfo);
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
