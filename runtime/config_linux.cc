// SPDX-License-Identifier: Apache-2.0
//
// The `linux` object of config.json (runtime-spec config-linux.md).
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/split.h"
#include "runtime/config_parts.h"
#include "runtime/namespaces.h"

namespace smith::runtime {

namespace {

struct NamespaceName {
    std::string_view name;
    std::uint64_t flag;
};

constexpr std::array kNamespaces = {
    NamespaceName{"user", CLONE_NEWUSER},      NamespaceName{"mount", CLONE_NEWNS},
    NamespaceName{"pid", CLONE_NEWPID},        NamespaceName{"network", CLONE_NEWNET},
    NamespaceName{"ipc", CLONE_NEWIPC},        NamespaceName{"uts", CLONE_NEWUTS},
    NamespaceName{"cgroup", kCgroupNamespace}, NamespaceName{"time", kTimeNamespace},
};

// The kernel takes 340 (user_namespaces(7)).
constexpr std::size_t kMaxMappings = 340;

void parse_namespaces(const JsonView& namespaces, RuntimeConfig& config) {
    for (const JsonView& entry : namespaces.elements()) {
        const std::string type = entry["type"].string();
        std::uint64_t flag = 0;
        for (const NamespaceName& known : kNamespaces) {
            if (known.name == type) flag = known.flag;
        }
        if (flag == 0) entry["type"].fail("is " + quote(type) + ", which is not a namespace");
        if (config.has_namespace(flag)) entry["type"].fail("names a namespace for the second time");
        const std::string path = entry["path"].string_or("");
        if (path.empty()) {
            config.namespaces |= flag;
            continue;
        }
        if (!path.starts_with('/')) entry["path"].fail("is not an absolute path");
        config.joined_namespaces.push_back({flag, path});
    }
}

void parse_time_offsets(const JsonView& offsets, RuntimeConfig& config) {
    constexpr std::uint32_t second_ns = 1'000'000'000;
    for (const std::string& clock : offsets.keys()) {
        if (clock != "monotonic" && clock != "boottime") offsets[clock].fail("is a clock that has no offset");
        const JsonView& entry = offsets[clock];
        TimeOffset offset;
        offset.clock = clock;
        if (entry["secs"].present()) offset.seconds = entry["secs"].integer(INT64_MIN, INT64_MAX);
        if (entry["nanosecs"].present()) {
            offset.nanoseconds = static_cast<std::uint32_t>(entry["nanosecs"].unsigned_integer(second_ns - 1));
        }
        config.time_offsets.push_back(std::move(offset));
    }
    if (!config.time_offsets.empty() && (config.namespaces & kTimeNamespace) == 0) {
        offsets.fail("is given, but there is no new time namespace");
    }
}

/// The kernel's rules for names (dev_valid_name), and of '%' what it makes a number of.
bool is_device_name(std::string_view name, bool may_be_template) {
    constexpr std::size_t most = 15;
    if (name.empty() || name.size() > most || name == "." || name == "..") return false;
    if (name.find_first_of("/: \t\n\v\f\r") != std::string_view::npos) return false;
    const std::size_t percent = name.find('%');
    if (percent == std::string_view::npos) return true;
    return may_be_template && name.substr(percent, 2) == "%d" && name.find('%', percent + 1) == std::string_view::npos;
}

void parse_net_devices(const JsonView& devices, RuntimeConfig& config) {
    for (const std::string& host_name : devices.keys()) {
        const JsonView name = devices[host_name]["name"];
        NetDeviceConfig device{host_name, name.empty() ? host_name : name.string()};
        if (!is_device_name(host_name, false)) devices[host_name].fail("is not the name of a network device");
        if (!is_device_name(device.name, true))
            name.fail("is " + quote(device.name) + ", no name for a network device");
        // The kernel would find that out when the device is there already, and would not bring it back.
        if (device.name == "lo") name.fail("is 'lo', which every network namespace has already");
        for (const NetDeviceConfig& other : config.net_devices) {
            const bool same = other.name == device.name && device.name.find('%') == std::string::npos;
            if (same) name.fail("is " + quote(device.name) + ", which another device is called");
        }
        config.net_devices.push_back(std::move(device));
    }
    if (!config.net_devices.empty() && !config.has_namespace(CLONE_NEWNET)) {
        devices.fail("is given, but there is no network namespace to move a device to");
    }
}

/// Does the specification's default devices: they are there anyway.
bool is_default_device(const DeviceConfig& device) {
    constexpr std::array<std::string_view, 6> defaults = {"/dev/null", "/dev/zero",   "/dev/full",
                                                          "/dev/tty",  "/dev/random", "/dev/urandom"};
    return std::find(defaults.begin(), defaults.end(), device.path) != defaults.end();
}

void parse_device(const JsonView& entry, RuntimeConfig& config) {
    DeviceConfig device;
    device.path = clean_absolute_path(entry["path"]);
    const std::string type = entry["type"].string();
    if (type != "c" && type != "u" && type != "b" && type != "p") {
        entry["type"].fail("is " + quote(type) + "; a device is of the type 'c', 'u', 'b' or 'p'");
    }
    device.type = type == "u" ? 'c' : type.front();
    if (device.type != 'p') {
        device.major = static_cast<std::uint32_t>(entry["major"].unsigned_integer(0xfff));
        device.minor = static_cast<std::uint32_t>(entry["minor"].unsigned_integer(0xfffff));
    }
    // Tools write the whole st_mode, with the type of the node.
    constexpr std::uint32_t permissions = 07777;
    if (entry["fileMode"].present()) {
        device.mode = static_cast<std::uint32_t>(entry["fileMode"].unsigned_integer(0177777)) & permissions;
    }
    if (entry["uid"].present()) device.uid = static_cast<std::uint32_t>(entry["uid"].unsigned_integer(kHighestId));
    if (entry["gid"].present()) device.gid = static_cast<std::uint32_t>(entry["gid"].unsigned_integer(kHighestId));
    if (is_default_device(device)) return;
    config.devices.push_back(std::move(device));
}

/// The namespace that a sysctl belongs to; 0 when it is the machine's.
std::uint64_t namespace_of_sysctl(std::string_view key) {
    constexpr std::array<std::string_view, 11> ipc = {
        "kernel.msgmax", "kernel.msgmnb",      "kernel.msgmni",     "kernel.msg_next_id",
        "kernel.sem",    "kernel.sem_next_id", "kernel.shmall",     "kernel.shm_rmid_forced",
        "kernel.shmmax", "kernel.shmmni",      "kernel.shm_next_id"};
    if (key.starts_with("net.")) return CLONE_NEWNET;
    if (key.starts_with("user.")) return CLONE_NEWUSER;
    if (key == "kernel.domainname") return CLONE_NEWUTS;
    if (key.starts_with("fs.mqueue.") || std::find(ipc.begin(), ipc.end(), key) != ipc.end()) return CLONE_NEWIPC;
    return 0;
}

void parse_sysctl(const JsonView& sysctl, RuntimeConfig& config) {
    for (const std::string& written : sysctl.keys()) {
        // sysctl.d(5): with the first separator being a slash, slashes separate, and dots are dots.
        std::string key = written;
        const std::size_t separator = key.find_first_of("./");
        if (separator != std::string::npos && key[separator] == '/') {
            for (char& c : key) c = c == '/' ? '.' : c == '.' ? '/' : c;
        }
        const std::uint64_t needed = namespace_of_sysctl(key);
        if (needed == 0 || !config.has_namespace(needed)) {
            sysctl[written].fail("is not of a namespace that the container has of its own: it would change the host");
        }
        if (key.find("..") != std::string::npos) sysctl[written].fail("is not the name of a sysctl");
        config.sysctl[key] = sysctl[written].string();
    }
}

void parse_propagation(const JsonView& propagation, RuntimeConfig& config) {
    const std::string text = propagation.string_or("");
    if (text.empty()) return;
    const MountOptions decoded = decode_mount_options({text});
    if (decoded.propagation == 0) propagation.fail("is " + quote(text) + ", which is no kind of propagation");
    config.root_propagation = decoded.propagation;
    config.recursive_root_propagation = decoded.recursive_propagation;
}

SeccompArgument parse_argument(const JsonView& entry) {
    SeccompArgument argument;
    argument.index = static_cast<unsigned>(entry["index"].unsigned_integer(5));
    argument.value = entry["value"].unsigned_integer(UINT64_MAX);
    if (entry["valueTwo"].present()) argument.value_two = entry["valueTwo"].unsigned_integer(UINT64_MAX);
    argument.op = entry["op"].string();
    return argument;
}

std::optional<std::uint32_t> parse_errno(const JsonView& number) {
    if (!number.present()) return std::nullopt;
    return static_cast<std::uint32_t>(number.unsigned_integer(4095));
}

std::optional<SeccompConfig> parse_seccomp(const JsonView& seccomp) {
    if (!seccomp.present()) return std::nullopt;
    SeccompConfig config;
    if (!seccomp["listenerPath"].empty()) config.listener_path = clean_absolute_path(seccomp["listenerPath"]);
    config.listener_metadata = seccomp["listenerMetadata"].string_or("");
    config.default_action = seccomp["defaultAction"].string();
    config.default_errno_ret = parse_errno(seccomp["defaultErrnoRet"]);
    config.architectures = seccomp["architectures"].strings();
    config.flags = seccomp["flags"].strings();
    for (const JsonView& entry : seccomp["syscalls"].elements()) {
        SeccompRule rule;
        rule.names = entry["names"].strings();
        if (rule.names.empty()) entry["names"].fail("is missing or empty");
        rule.action = entry["action"].string();
        rule.errno_ret = parse_errno(entry["errnoRet"]);
        for (const JsonView& argument : entry["args"].elements()) rule.args.push_back(parse_argument(argument));
        config.rules.push_back(std::move(rule));
    }
    return config;
}

std::vector<std::string> parse_paths(const JsonView& paths) {
    std::vector<std::string> out;
    for (const JsonView& path : paths.elements()) {
        out.push_back(clean_absolute_path(path));
        if (out.back() == "/") path.fail("is the root itself");
    }
    return out;
}

/// Without SELinux a label is nothing that a file system could keep, and nothing that anybody looks at.
void parse_label(const JsonView& label, RuntimeConfig& config) {
    if (label.empty()) return;
    if (access("/sys/fs/selinux/enforce", F_OK) != 0) {
        config.warnings.push_back(quote(label.place()) + " is given, but there is no SELinux here, ignoring");
        return;
    }
    config.mount_label = label.string();
}

void check_mappings(const JsonView& linux_object, const RuntimeConfig& config) {
    const bool user_namespace = (config.namespaces & CLONE_NEWUSER) != 0;
    for (const char* key : {"uidMappings", "gidMappings"}) {
        const JsonView mappings = linux_object[key];
        // Beside a user namespace that exists they say how it was made.
        if (!user_namespace && config.has_namespace(CLONE_NEWUSER)) continue;
        if (user_namespace && mappings.empty()) mappings.fail("is missing, but there is a new user namespace");
        if (!user_namespace && !mappings.empty()) mappings.fail("is given, but there is no new user namespace");
    }
    if (!user_namespace) return;
    const ProcessConfig& process = config.process;
    if (!map_id(config.uid_mappings, process.uid)) {
        linux_object["uidMappings"].fail("has no entry for the process's uid " + std::to_string(process.uid));
    }
    std::vector<std::uint32_t> gids = process.additional_gids;
    gids.push_back(process.gid);
    for (const std::uint32_t gid : gids) {
        if (!map_id(config.gid_mappings, gid)) {
            linux_object["gidMappings"].fail("has no entry for the process's gid " + std::to_string(gid));
        }
    }
}

}  // namespace

std::vector<IdMap> parse_mappings(const JsonView& mappings) {
    std::vector<IdMap> out;
    for (const JsonView& entry : mappings.elements()) {
        IdMap map;
        map.container = static_cast<std::uint32_t>(entry["containerID"].unsigned_integer(kHighestId));
        map.host = static_cast<std::uint32_t>(entry["hostID"].unsigned_integer(kHighestId));
        map.count = static_cast<std::uint32_t>(entry["size"].unsigned_integer(kHighestId + 1));
        if (map.count == 0) entry["size"].fail("is 0");
        if (map.count > kHighestId + 1 - std::max(map.container, map.host))
            entry["size"].fail("leads past the highest id");
        out.push_back(map);
    }
    if (out.size() > kMaxMappings) mappings.fail("has more entries than the kernel takes, 340");
    return out;
}

namespace {

std::string one_line(const JsonView& text, std::string_view beginning = "") {
    std::string line = text.string();
    if (line.empty() || line.find('\n') != std::string::npos) text.fail("is not one line");
    if (!line.starts_with(beginning)) text.fail("does not begin with " + quote(beginning));
    return line;
}

std::optional<IntelRdtConfig> parse_intel_rdt(const JsonView& rdt) {
    if (!rdt.present()) return std::nullopt;
    IntelRdtConfig out;
    out.clos_id = rdt["closID"].string_or("");
    // It "SHOULD NOT contain newlines"; the kernel takes a line at a time.
    const std::string cache = rdt["l3CacheSchema"].string_or("");
    for (const std::string_view line : split(cache, '\n')) {
        if (!line.empty()) out.schemata.emplace_back(line);
    }
    if (rdt["memBwSchema"].present()) out.schemata.push_back(one_line(rdt["memBwSchema"], "MB:"));
    out.to_agree = out.schemata.size();
    for (const JsonView& line : rdt["schemata"].elements()) out.schemata.push_back(one_line(line));
    out.monitoring = rdt["enableMonitoring"].boolean_or(false);
    return out;
}

}  // namespace

void parse_linux(const JsonView& linux_object, RuntimeConfig& config) {
    if (!linux_object.present()) linux_object.fail("is missing");
    parse_linux_scheduling(linux_object, config.process.scheduling);
    parse_label(linux_object["mountLabel"], config);
    parse_namespaces(linux_object["namespaces"], config);
    parse_time_offsets(linux_object["timeOffsets"], config);
    parse_net_devices(linux_object["netDevices"], config);
    config.cgroups_path = linux_object["cgroupsPath"].string_or("");
    config.resources = parse_resources(linux_object["resources"]);
    config.intel_rdt = parse_intel_rdt(linux_object["intelRdt"]);
    config.uid_mappings = parse_mappings(linux_object["uidMappings"]);
    config.gid_mappings = parse_mappings(linux_object["gidMappings"]);
    check_mappings(linux_object, config);
    if (!config.hostname.empty() && !config.has_namespace(CLONE_NEWUTS)) {
        linux_object["namespaces"].fail("lacks 'uts', but 'hostname' is given");
    }
    if (!config.domainname.empty() && !config.has_namespace(CLONE_NEWUTS)) {
        linux_object["namespaces"].fail("lacks 'uts', but 'domainname' is given");
    }
    for (const JsonView& device : linux_object["devices"].elements()) parse_device(device, config);
    parse_sysctl(linux_object["sysctl"], config);
    config.seccomp = parse_seccomp(linux_object["seccomp"]);
    parse_propagation(linux_object["rootfsPropagation"], config);
    config.masked_paths = parse_paths(linux_object["maskedPaths"]);
    config.readonly_paths = parse_paths(linux_object["readonlyPaths"]);
}

}  // namespace smith::runtime
