// SPDX-License-Identifier: Apache-2.0
#include "runtime/spec.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "runtime/seccomp.h"

namespace smith::runtime {

namespace {

using nlohmann::json;

// What docker and podman hide of /proc and /sys: what tells about the host, or reaches its hardware.
json masked_paths() {
    return {"/proc/acpi",       "/proc/asound",        "/proc/interrupts",  "/proc/kcore",
            "/proc/keys",       "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
            "/proc/timer_list", "/proc/timer_stats",   "/sys/dev/block",    "/sys/devices/virtual/powercap",
            "/sys/firmware",    "/sys/fs/selinux"};
}

json readonly_paths() { return {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}; }

json mount(const char* type, const std::string& source, const std::string& destination, json options) {
    return {{"destination", destination}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

/// Scratch space that belongs to the process. No `noexec`: programs do build and load code there, and nothing that runs
/// in the container can do more for being a file of its own.
json scratch(const SpecParameters& parameters, const std::string& destination) {
    return mount("tmpfs", "tmpfs", destination,
                 {"nosuid", "nodev", "mode=0755", "uid=" + std::to_string(parameters.uid),
                  "gid=" + std::to_string(parameters.gid)});
}

json file_system_mounts(const SpecParameters& parameters) {
    json devpts = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"};
    // The group "tty" that owns terminals, where there is one: the number is the same everywhere.
    constexpr std::uint32_t tty = 5;
    if (map_id(parameters.mappings.gids, tty)) devpts.push_back("gid=5");
    return {
        mount("proc", "proc", "/proc", {"nosuid", "noexec", "nodev"}),
        mount("tmpfs", "tmpfs", "/dev", {"nosuid", "noexec", "strictatime", "mode=755", "size=64k", "ro"}),
        mount("devpts", "devpts", "/dev/pts", std::move(devpts)),
        mount("tmpfs", "shm", "/dev/shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=64m"}),
        mount("mqueue", "mqueue", "/dev/mqueue", {"nosuid", "noexec", "nodev"}),
        mount("sysfs", "sysfs", "/sys", {"nosuid", "noexec", "nodev", "ro"}),
    };
}

bool is_one_of_ours(const std::string& destination) {
    return destination == "/run" || destination == "/write" || destination == "/read";
}

json mounts(const SpecParameters& parameters) {
    json out = file_system_mounts(parameters);
    out.push_back(scratch(parameters, "/run"));
    if (parameters.write_directory.empty()) {
        out.push_back(scratch(parameters, "/write"));
    } else {
        out.push_back(mount("bind", std::filesystem::absolute(parameters.write_directory).string(), "/write",
                            {"bind", "rw", "nosuid", "nodev"}));
    }
    if (!parameters.read_directory.empty()) {
        json options = {"bind", "ro", "nosuid", "nodev", "noexec"};
        if (parameters.read_has_mounts) options = {"rbind", "rro", "ro", "nosuid", "nodev", "noexec"};
        out.push_back(
            mount("bind", std::filesystem::absolute(parameters.read_directory).string(), "/read", std::move(options)));
    }
    // A shorter path first: a volume inside another volume must not be hidden by it.
    std::vector<std::string> volumes = parameters.tmpfs_directories;
    std::sort(volumes.begin(), volumes.end());
    volumes.erase(std::unique(volumes.begin(), volumes.end()), volumes.end());
    for (const std::string& volume : volumes) {
        if (!is_one_of_ours(volume)) out.push_back(scratch(parameters, volume));
    }
    return out;
}

json namespaces(const SpecParameters& parameters) {
    json out = {{{"type", "pid"}}, {{"type", "mount"}}, {{"type", "ipc"}}, {{"type", "uts"}}, {{"type", "cgroup"}}};
    if (!parameters.host_network) out.push_back({{"type", "network"}});
    if (!parameters.mappings.uids.empty()) out.push_back({{"type", "user"}});
    return out;
}

json id_maps(const std::vector<IdMap>& maps) {
    json out = json::array();
    for (const IdMap& map : maps) {
        out.push_back({{"containerID", map.container}, {"hostID", map.host}, {"size", map.count}});
    }
    return out;
}

json seccomp_rule(const SeccompRule& rule) {
    json out = {{"names", rule.names}, {"action", rule.action}};
    if (rule.errno_ret) out["errnoRet"] = *rule.errno_ret;
    for (const SeccompArgument& argument : rule.args) {
        json entry = {{"index", argument.index}, {"value", argument.value}, {"op", argument.op}};
        if (argument.op == "SCMP_CMP_MASKED_EQ") entry["valueTwo"] = argument.value_two;
        out["args"].push_back(std::move(entry));
    }
    return out;
}

json seccomp(const SeccompConfig& config) {
    json out = {{"defaultAction", config.default_action}, {"architectures", config.architectures}};
    if (config.default_errno_ret) out["defaultErrnoRet"] = *config.default_errno_ret;
    for (const SeccompRule& rule : config.rules) out["syscalls"].push_back(seccomp_rule(rule));
    return out;
}

json linux_object(const SpecParameters& parameters) {
    json out = {{"namespaces", namespaces(parameters)},
                {"maskedPaths", masked_paths()},
                {"readonlyPaths", readonly_paths()},
                {"rootfsPropagation", "private"},
                {"seccomp", seccomp(default_seccomp(parameters.thirty_two_bit))}};
    if (!parameters.mappings.uids.empty()) {
        out["uidMappings"] = id_maps(parameters.mappings.uids);
        out["gidMappings"] = id_maps(parameters.mappings.gids);
    }
    return out;
}

json process(const SpecParameters& parameters) {
    json user = {{"uid", parameters.uid}, {"gid", parameters.gid}, {"umask", 022}};
    if (!parameters.additional_gids.empty()) user["additionalGids"] = parameters.additional_gids;
    json none = json::array();
    json out = {
        {"terminal", false},
        {"user", std::move(user)},
        {"args", parameters.args},
        {"env", parameters.env},
        {"cwd", parameters.cwd},
        {"noNewPrivileges", true},
        {"capabilities",
         {{"bounding", none}, {"effective", none}, {"permitted", none}, {"inheritable", none}, {"ambient", none}}}};
    for (const ResourceLimit& limit : parameters.rlimits) {
        out["rlimits"].push_back({{"type", limit.name}, {"soft", limit.soft}, {"hard", limit.hard}});
    }
    return out;
}

}  // namespace

std::string default_config(const SpecParameters& parameters) {
    const json document = {{"ociVersion", "1.0.2"},
                           {"process", process(parameters)},
                           {"root", {{"path", parameters.root_path}, {"readonly", true}}},
                           {"hostname", parameters.hostname},
                           {"mounts", mounts(parameters)},
                           {"linux", linux_object(parameters)}};
    return dump_json_pretty(document);
}

}  // namespace smith::runtime
