// SPDX-License-Identifier: Apache-2.0
#include "runtime/container_cgroups.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <optional>

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
    if (!is_required(config) && request.id.empty()) return {};
    std::string path = config.cgroups_path;
    if (path.empty()) path = request.name;
    if (path.empty()) path = request.id.empty() ? "smith-" + std::to_string(getpid()) : request.id;
    const std::vector<CgroupHierarchy> hierarchies = find_hierarchies();
    if (hierarchies.empty() && ((is_limited(config) && !request.rootless) || request.systemd != nullptr)) {
        throw Error(ErrorKind::system, "a cgroup is asked for, but none is mounted here");
    }
    return Cgroup::named(kernel, hierarchies, path);
}

Cgroup existing(const CgroupPaths& paths) {
    if (paths.empty()) throw Error(ErrorKind::spec, "the container has no cgroup of its own");
    return Cgroup(linux_kernel(), paths);
}

void kill_quietly(const Cgroup& cgroup) noexcept {
    try {
        cgroup.kill(SIGKILL);
    } catch (const std::exception&) {
        // What could not be looked at may still be empty: that shows when it is removed.
    }
}

void kill_quietly(Kernel& kernel, pid_t process) noexcept {
    const Result opened = kernel.open_pidfd(process);
    if (opened < 0) return;
    const UniqueFd pidfd(static_cast<int>(opened));
    static_cast<void>(kernel.send_signal(pidfd.get(), SIGKILL));
}

/// Kills what is in it, and removes it; false when that cannot be. Mostly nothing is: a container's end is its first
/// process's.
bool clear_away(const Cgroup& cgroup) noexcept {
    if (cgroup.remove_empty()) return true;
    kill_quietly(cgroup);
    return cgroup.remove();
}

/// Rules that a user may not set hold for him all the same: see devices_need_cgroup().
void restrict_devices(const Cgroup& cgroup, const RuntimeConfig& config, bool rootless) {
    try {
        cgroup.restrict_devices(config.resources.devices);
    } catch (const Error& e) {
        const bool refused = e.error_number() == EPERM || e.error_number() == EACCES;
        if (!rootless || !refused || devices_need_cgroup(config)) throw;
    }
}

/// What systemd calls done is looked at: a process of that number is another one in another PID namespace.
void check_arrived(const Cgroup& cgroup, pid_t child) {
    const std::string directory =
        cgroup.directory_of("name=systemd").value_or(cgroup.directory_of("").value_or("nowhere"));
    const std::vector<pid_t> inside = cgroup.processes();
    if (std::find(inside.begin(), inside.end(), child) == inside.end()) {
        throw Error(ErrorKind::system, "systemd has not put process " + std::to_string(child) + " into " +
                                           quote(directory) + ": is it in another namespace?");
    }
}

void append(std::vector<DbusProperty>& out, std::vector<DbusProperty> more) {
    out.insert(out.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::vector<DbusProperty> limits_for(const Resources& resources, const Cgroup& cgroup, const Systemd& systemd,
                                     const SystemdUnit& unit, bool creating, std::vector<std::string>& warnings) {
    std::vector<DbusProperty> out =
        resource_properties(resources, {cgroup.unified(), systemd.version()}, creating, warnings);
    // A user's systemd has no right to restrict devices.
    if (!unit.user) append(out, device_properties(resources.devices, warnings));
    return out;
}

void check_scope(const SystemdDriver& driver, const Cgroup& cgroup) {
    if (driver.user && !cgroup.unified()) {
        throw Error(ErrorKind::system, "a user's systemd has cgroups of version 2 alone, and here is version 1");
    }
    cgroup.check_unused();
}

void start_scope(SystemdDriver& driver, const RuntimeConfig& config, const Cgroup& cgroup, pid_t child,
                 std::vector<std::string>& warnings) {
    std::vector<DbusProperty> properties = scope_properties(driver.scope, child);
    append(properties, annotated_properties(config.annotations));
    append(properties, limits_for(config.resources, cgroup, driver.systemd, driver.unit(), true, warnings));
    driver.systemd.start_scope(driver.scope.unit, properties);
}

/// systemd's own part of clearing away; what it says when it cannot.
std::string stop_quietly(Systemd& systemd, const SystemdUnit& unit) {
    try {
        systemd.stop_unit(unit.name);
        return "";
    } catch (const Error& e) {
        return e.message();
    }
}

std::string stop_quietly(Kernel& kernel, const SystemdUnit& unit) {
    try {
        Systemd systemd = Systemd::connect(kernel, unit.user);
        return stop_quietly(systemd, unit);
    } catch (const Error& e) {
        return e.message();
    }
}

/// What is left to be removed where systemd cannot be asked. It removes its own directory when the last process is
/// gone; one that is gone before it has looked is a unit that runs for ever.
Cgroup without_systemds_own(Kernel& kernel, CgroupPaths paths) {
    paths.erase("");
    paths.erase("name=systemd");
    return Cgroup(kernel, std::move(paths));
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

SystemdDriver use_systemd(RuntimeConfig& config, const std::string& name, bool user, Kernel& kernel) {
    SystemdScope scope = parse_systemd_scope(config.cgroups_path, name, user);
    SystemdDriver out{Systemd::connect(kernel, user), std::move(scope), user};
    config.cgroups_path = out.systemd.directory_of(out.scope);
    return out;
}

CgroupPaths plan_cgroups(const RuntimeConfig& config, const CgroupRequest& request) {
    return planned(linux_kernel(), config, request).paths();
}

CgroupPaths create_cgroups(const RuntimeConfig& config, const CgroupRequest& request,
                           std::vector<std::string>& warnings, Kernel& kernel) {
    Cgroup cgroup = planned(kernel, config, request);
    if (cgroup.empty()) return {};
    if (request.systemd != nullptr) {
        // Its turn comes when there is a process: but that it cannot come is better known before.
        check_scope(*request.systemd, cgroup);
        return {};
    }
    if (is_required(config) && !request.rootless) {
        cgroup.create();
    } else if (!cgroup.create_if_allowed()) {
        if (is_limited(config)) warnings.emplace_back("an ordinary user may not set cgroup limits here, ignoring them");
        return {};
    }
    try {
        cgroup.apply(config.resources, warnings);
        restrict_devices(cgroup, config, request.rootless);
    } catch (...) {
        static_cast<void>(clear_away(cgroup));
        throw;
    }
    return cgroup.paths();
}

CgroupPaths create_scope(const RuntimeConfig& config, const CgroupRequest& request, pid_t child,
                         std::vector<std::string>& warnings, Kernel& kernel) {
    const Cgroup cgroup = planned(kernel, config, request);
    SystemdDriver& driver = *request.systemd;
    start_scope(driver, config, cgroup, child, warnings);
    try {
        check_arrived(cgroup, child);
        cgroup.complete();
        cgroup.apply(config.resources, warnings);
        restrict_devices(cgroup, config, request.rootless);
        cgroup.add(child);
    } catch (...) {
        // It may be in some of them already, and its caller gives it up. systemd would ask it politely, and it listens
        // to nobody yet.
        kill_quietly(kernel, child);
        static_cast<void>(stop_quietly(driver.systemd, driver.unit()));
        static_cast<void>(clear_away(cgroup));
        throw;
    }
    return cgroup.paths();
}

CgroupEntrance entrance_to(const CgroupPaths& paths, Kernel& kernel) { return Cgroup(kernel, paths).entrance(); }

void join_cgroups(const CgroupPaths& paths, const SystemdUnit& unit, pid_t process) {
    if (paths.empty()) return;
    try {
        existing(paths).add(process);
    } catch (const Error& e) {
        // Out of a session's cgroup, which is not the user's, only systemd can take it.
        const bool refused = e.error_number() == EPERM || e.error_number() == EACCES;
        if (unit.empty() || !refused || !paths.begin()->second.ends_with("/" + unit.name)) throw;
        Systemd::connect(linux_kernel(), unit.user).attach(unit.name, process);
    }
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

namespace {

/// Version 1: systemd denies all devices for the moment that it takes to allow them again.
void set_frozen_properties(const Cgroup& cgroup, Systemd& systemd, const std::string& unit,
                           const std::vector<DbusProperty>& properties) {
    cgroup.freeze();
    try {
        systemd.set_properties(unit, properties);
    } catch (...) {
        cgroup.thaw();
        throw;
    }
    cgroup.thaw();
}

std::optional<std::int64_t> number_in(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end == text.data()) return std::nullopt;
    return value;
}

/// A quota is one of a period: when only one of them changes, the other one is what stands there. Version 2 has both in
/// one file, and systemd has a share of a second.
void complete_quota(const Cgroup& cgroup, CpuResources& cpu) {
    if (cpu.quota.has_value() == cpu.period.has_value()) return;
    std::string quota = cgroup.read("cpu", "cpu.cfs_quota_us").value_or("");
    std::string period = cgroup.read("cpu", "cpu.cfs_period_us").value_or("");
    if (const auto both = cgroup.read("", "cpu.max"); both && period.empty()) {
        quota = both->substr(0, both->find(' '));
        period = both->substr(std::min(both->find(' ') + 1, both->size()));
    }
    const auto known = number_in(period);
    if (!known || *known <= 0) return;
    if (!cpu.period) cpu.period = static_cast<std::uint64_t>(*known);
    if (!cpu.quota) cpu.quota = number_in(quota).value_or(-1);
}

void update_unit(const Cgroup& cgroup, const SystemdUnit& unit, const Resources& resources,
                 std::vector<std::string>& warnings) {
    Systemd systemd = Systemd::connect(linux_kernel(), unit.user);
    const auto properties = limits_for(resources, cgroup, systemd, unit, false, warnings);
    if (!resources.devices.empty() && cgroup.directory_of("devices") && cgroup.directory_of("freezer") &&
        !cgroup.frozen()) {
        set_frozen_properties(cgroup, systemd, unit.name, properties);
    } else {
        systemd.set_properties(unit.name, properties);
    }
}

}  // namespace

void update_cgroups(const CgroupPaths& paths, const SystemdUnit& unit, std::string_view resources,
                    std::vector<std::string>& warnings) {
    Resources parsed = parse_resources(resources);
    const Cgroup cgroup = existing(paths);
    complete_quota(cgroup, parsed.cpu);
    // Before systemd is told, who does not ask.
    cgroup.check_memory(parsed);
    if (!unit.empty()) update_unit(cgroup, unit, parsed, warnings);
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

void remove_cgroups(const CgroupPaths& paths, const SystemdUnit& unit, std::vector<std::string>& warnings,
                    Kernel& kernel) {
    if (paths.empty() && unit.empty()) return;
    Cgroup cgroup(kernel, paths);
    if (!unit.empty()) {
        // Killed first: systemd would begin with SIGTERM, and wait.
        kill_quietly(cgroup);
        const std::string refusal = stop_quietly(kernel, unit);
        if (!refusal.empty()) {
            warnings.push_back(refusal + ", ignoring");
            cgroup = without_systemds_own(kernel, paths);
        }
    }
    if (!clear_away(cgroup)) {
        throw Error(ErrorKind::system,
                    "the cgroup " + quote(paths.begin()->second) + " cannot be removed: processes do not end");
    }
}

}  // namespace smith::runtime
