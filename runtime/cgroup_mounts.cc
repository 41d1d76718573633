// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup_mounts.h"

#include <linux/mount.h>

#include "base/error.h"
#include "runtime/cgroups.h"
#include "runtime/namespaces.h"

namespace smith::runtime {

namespace {

constexpr std::uint64_t kAlways = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/// A new mount of the hierarchy: the kernel shows a cgroup namespace only what is its own.
PlannedMount fresh(const CgroupHierarchy& hierarchy) {
    PlannedMount out;
    out.type = hierarchy.unified() ? "cgroup2" : "cgroup";
    out.source = "cgroup";
    constexpr std::string_view named = "name=";
    if (hierarchy.name.starts_with(named)) {
        out.options.data.push_back({"none", std::nullopt});
        out.options.data.push_back({"name", hierarchy.name.substr(named.size())});
        return out;
    }
    for (std::size_t at = 0; at < hierarchy.name.size();) {
        const std::size_t end = std::min(hierarchy.name.find(',', at), hierarchy.name.size());
        out.options.data.push_back({hierarchy.name.substr(at, end - at), std::nullopt});
        at = end + 1;
    }
    return out;
}

PlannedMount bound(const CgroupHierarchy& hierarchy, const std::string& directory) {
    PlannedMount out;
    out.type = "bind";
    out.source = directory;
    out.options.bind = true;
    if (directory.empty()) {
        out.source = hierarchy.mount_point + (hierarchy.own == "/" ? "" : hierarchy.own);
        out.options.set |= MOUNT_ATTR_RDONLY;
    }
    return out;
}

PlannedMount show(const CgroupHierarchy& hierarchy, const RuntimeConfig& config, const Cgroup::Paths& paths) {
    if ((config.namespaces & kCgroupNamespace) != 0) return fresh(hierarchy);
    const auto own = paths.find(hierarchy.name);
    return bound(hierarchy, own == paths.end() ? "" : own->second);
}

std::string last_component(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void add_links(const CgroupHierarchy& hierarchy, const std::string& destination, Plan& plan) {
    if (hierarchy.name.find(',') == std::string::npos) return;
    const std::string target = last_component(hierarchy.mount_point);
    for (std::size_t at = 0; at < hierarchy.name.size();) {
        const std::size_t end = std::min(hierarchy.name.find(',', at), hierarchy.name.size());
        const std::string controller = hierarchy.name.substr(at, end - at);
        if (controller != target) plan.links.push_back({place_of(destination), controller, target});
        at = end + 1;
    }
}

}  // namespace

bool is_cgroup_mount(const MountConfig& mount) { return mount.type == "cgroup" || mount.type == "cgroup2"; }

void plan_cgroup_mount(const MountConfig& mount, const RuntimeConfig& config, Plan& plan) {
    const std::vector<CgroupHierarchy> hierarchies = find_hierarchies();
    if (hierarchies.empty()) {
        throw Error(ErrorKind::system, "a mount of cgroups is asked for, but none are mounted here");
    }
    Cgroup::Paths paths;
    if (!config.cgroups_path.empty()) {
        paths = Cgroup::named(linux_kernel(), hierarchies, config.cgroups_path).paths();
    }
    const bool readonly = (mount.options.set & MOUNT_ATTR_RDONLY) != 0;
    const auto add = [&](PlannedMount planned, const std::string& destination) {
        planned.place = place_of(destination);
        planned.options.set |= mount.options.set | kAlways;
        planned.refuse_symlinks = true;
        plan.mounts.push_back(std::move(planned));
    };
    if (hierarchies.size() == 1 && hierarchies.front().unified()) {
        return add(show(hierarchies.front(), config, paths), mount.destination);
    }
    PlannedMount top;
    top.type = "tmpfs";
    top.source = "tmpfs";
    top.options.data = {{"mode", "755"}};
    top.place = place_of(mount.destination);
    top.options.set = (mount.options.set & ~std::uint64_t{MOUNT_ATTR_RDONLY}) | kAlways;
    top.refuse_symlinks = true;
    plan.mounts.push_back(std::move(top));
    if (readonly) plan.late_readonly.push_back(place_of(mount.destination));
    for (const CgroupHierarchy& hierarchy : hierarchies) {
        const std::string name = last_component(hierarchy.mount_point);
        add(show(hierarchy, config, paths), mount.destination + "/" + name);
        add_links(hierarchy, mount.destination, plan);
    }
}

}  // namespace smith::runtime
