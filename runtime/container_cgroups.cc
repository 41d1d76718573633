// SPDX-License-Identifier: Apache-2.0
#include "runtime/container_cgroups.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/error.h"
#include "runtime/cgroups.h"

namespace smith::runtime {

namespace {

/// Device rules need a cgroup, but for one case: in a user namespace nobody can make a device node, and the root is
/// mounted nodev, so that "no devices" holds already, and so does every rule that allows less than the host does.
bool devices_need_cgroup(const RuntimeConfig& config) {
    return !config.resources.devices.empty() && !config.has_namespace(CLONE_NEWUSER);
}

bool is_limited(const RuntimeConfig& config) {
    return config.resources.limits_anything() || devices_need_cgroup(config);
}

/// Somebody asked for a cgroup, or for limits; else it is only good to have.
bool is_required(const RuntimeConfig& config) { return is_limited(config) || !config.cgroups_path.empty(); }

Cgroup planned(Kernel& kernel, const RuntimeConfig& config, const CgroupRequest& request) {
    if (request.systemd) {
        throw Error(ErrorKind::usage, "systemd's cgroup driver is not supported; use cgroupfs, the default");
    }
    if (!is_required(config) && request.id.empty()) return {};
    std::string path = config.cgroups_path;
    if (path.empty()) path = request.name;
    if (path.empty()) path = request.id.empty() ? "smith-" + std::to_string(getpid()) : request.id;
    const std::vector<CgroupHierarchy> hierarchies = find_hierarchies();
    if (hierarchies.empty() && is_limited(config) && !request.rootless) {
        throw Error(ErrorKind::system, "'linux.resources' has limits, but no cgroup is mounted here");
    }
    return Cgroup::named(kernel, hierarchies, path);
}

Cgroup existing(const CgroupPaths& paths) {
    if (paths.empty()) throw Error(ErrorKind::spec, "the container has no cgroup of its own");
    return Cgroup(linux_kernel(), paths);
}

/// Kills what is in it, and removes it; false when that cannot be.
bool clear_away(const Cgroup& cgroup) noexcept {
    try {
        cgroup.kill(SIGKILL);
    } catch (const std::exception&) {
        // What could not be looked at may still be empty: that shows when it is removed.
    }
    return cgroup.remove();
}

/// The number behind `key` in lines of "key number".
std::uint64_t count_of(const std::string& text, const std::string& key) {
    const std::size_t at = text.find(key + " ");
    std::uint64_t count = 0;
    if (at == std::string::npos) return count;
    std::from_chars(text.data() + at + key.size() + 1, text.data() + text.size(), count);
    return count;
}

}  // namespace

CgroupPaths plan_cgroups(const RuntimeConfig& config, const CgroupRequest& request) {
    return planned(linux_kernel(), config, request).paths();
}

CgroupPaths create_cgroups(const RuntimeConfig& config, const CgroupRequest& request,
                           std::vector<std::string>& warnings, Kernel& kernel) {
    Cgroup cgroup = planned(kernel, config, request);
    if (cgroup.empty()) return {};
    if (is_required(config) && !request.rootless) {
        cgroup.create();
    } else if (!cgroup.create_if_allowed()) {
        if (is_limited(config)) warnings.emplace_back("an ordinary user may not set cgroup limits here, ignoring them");
        return {};
    }
    try {
        cgroup.apply(config.resources, warnings);
        cgroup.restrict_devices(config.resources.devices);
    } catch (...) {
        static_cast<void>(clear_away(cgroup));
        throw;
    }
    return cgroup.paths();
}

CgroupEntrance entrance_to(const CgroupPaths& paths, Kernel& kernel) { return Cgroup(kernel, paths).entrance(); }

void join_cgroups(const CgroupPaths& paths, pid_t process) {
    if (!paths.empty()) existing(paths).add(process);
}

namespace {

/// Is `name` one of "cpu,cpuacct"?
bool names_controller(std::string_view controllers, std::string_view name) {
    for (std::size_t at = 0; at <= controllers.size();) {
        const std::size_t end = std::min(controllers.find(',', at), controllers.size());
        if (controllers.substr(at, end - at) == name) return true;
        at = end + 1;
    }
    return false;
}

std::string below(const std::string& directory, const std::string& path) {
    const std::filesystem::path inside(path);
    if (std::find(inside.begin(), inside.end(), "..") != inside.end()) {
        throw Error(ErrorKind::usage, quote(path) + " is not below the container's cgroup");
    }
    const std::filesystem::path place = directory / inside.relative_path();
    std::error_code error;
    if (!std::filesystem::is_directory(place, error)) {
        throw Error(ErrorKind::system,
                    "the container has no cgroup " + quote(path) + ": there is no " + quote(place.string()));
    }
    return place.string();
}

}  // namespace

CgroupPaths cgroups_below(const CgroupPaths& paths, const std::vector<std::string>& wanted) {
    if (!wanted.empty() && paths.empty()) throw Error(ErrorKind::spec, "the container has no cgroup of its own");
    CgroupPaths out = paths;
    for (const std::string& text : wanted) {
        const std::size_t colon = text.find(':');
        const std::string path = colon == std::string::npos ? text : text.substr(colon + 1);
        const std::string controllers = colon == std::string::npos ? "" : text.substr(0, colon);
        bool found = false;
        for (const auto& [names, directory] : paths) {
            const bool meant = colon == std::string::npos || names_controller(controllers, names) ||
                               names_controller(names, controllers);
            if (!meant) continue;
            out[names] = below(directory, path);
            found = true;
        }
        if (!found) throw Error(ErrorKind::usage, "the container has no cgroup of " + quote(controllers));
    }
    return out;
}

std::vector<pid_t> processes_in(const CgroupPaths& paths) { return existing(paths).processes(); }

void signal_cgroups(const CgroupPaths& paths, int signal) { existing(paths).kill(signal); }

void freeze_cgroups(const CgroupPaths& paths, bool frozen) {
    const Cgroup cgroup = existing(paths);
    frozen ? cgroup.freeze() : cgroup.thaw();
}

bool is_frozen(const CgroupPaths& paths) { return !paths.empty() && existing(paths).frozen(); }

void update_cgroups(const CgroupPaths& paths, std::string_view resources, std::vector<std::string>& warnings) {
    const Resources parsed = parse_resources(resources);
    const Cgroup cgroup = existing(paths);
    cgroup.apply(parsed, warnings);
    cgroup.restrict_devices(parsed.devices);
}

std::string cgroup_statistics(const CgroupPaths& paths) { return existing(paths).stats(); }

std::uint64_t out_of_memory_count(const CgroupPaths& paths) {
    if (paths.empty()) return 0;
    const Cgroup cgroup = existing(paths);
    if (const auto legacy = cgroup.read("memory", "memory.oom_control")) return count_of(*legacy, "oom_kill");
    return count_of(cgroup.read("", "memory.events").value_or(""), "oom_kill");
}

void remove_empty_cgroups(const CgroupPaths& paths) {
    if (paths.empty()) return;
    const Cgroup cgroup = existing(paths);
    if (cgroup.wait_until_empty()) static_cast<void>(cgroup.remove());
}

void remove_cgroups(const CgroupPaths& paths, Kernel& kernel) {
    if (paths.empty()) return;
    const Cgroup cgroup(kernel, paths);
    if (!clear_away(cgroup)) {
        throw Error(ErrorKind::system,
                    "the cgroup " + quote(paths.begin()->second) + " cannot be removed: processes do not end");
    }
}

}  // namespace smith::runtime
