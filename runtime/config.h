// SPDX-License-Identifier: Apache-2.0
//
// config.json of an OCI bundle (runtime-spec 1.0 to 1.3, config.md and config-linux.md) as one plain value. Names are
// already numbers here: capabilities are bit masks, namespaces clone flags, mount options attributes. What this runtime
// cannot do yet is refused by the parser, by the name of its field: nothing that restricts a container is ignored.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cgroup_resources.h"
#include "runtime/mount_options.h"
#include "runtime/scheduling.h"
#include "runtime/seccomp.h"

namespace smith::runtime {

/// `count` ids from `container` on are, outside, those from `host` on.
struct IdMap {
    std::uint32_t container = 0;
    std::uint32_t host = 0;
    std::uint32_t count = 0;
    bool operator==(const IdMap&) const = default;
};

/// Sets of capabilities, bit n being capability number n. All empty: what a configuration without the field means.
struct Capabilities {
    std::uint64_t bounding = 0;
    std::uint64_t effective = 0;
    std::uint64_t permitted = 0;
    std::uint64_t inheritable = 0;
    std::uint64_t ambient = 0;
    bool operator==(const Capabilities&) const = default;
};

struct ResourceLimit {
    std::string name;  ///< "RLIMIT_NOFILE"
    int resource = 0;
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};

/// A terminal's size in characters; 0: as it comes.
struct ConsoleSize {
    std::uint16_t rows = 0;
    std::uint16_t columns = 0;
};

struct ProcessConfig {
    bool terminal = false;
    ConsoleSize console_size;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> additional_gids;
    std::uint32_t umask = 022;
    std::vector<std::string> args;  ///< at least one, unless the configuration has no process at all
    std::vector<std::string> env;
    std::string cwd;  ///< absolute
    Capabilities capabilities;
    std::vector<ResourceLimit> rlimits;
    bool no_new_privileges = false;
    SchedulingConfig scheduling;
    std::optional<int> oom_score_adj;
    std::string apparmor_profile;  ///< "": as the caller's
    std::string selinux_label;     ///< likewise
};

/// One entry of `mounts`.
struct MountConfig {
    std::string destination;  ///< absolute, without "." and ".."; never "/"
    std::string type;         ///< "bind" for every kind of bind mount
    std::string source;
    MountOptions options;
    std::vector<IdMap> uid_mappings;  ///< of an idmapped mount; empty: those of the container's user namespace
    std::vector<IdMap> gid_mappings;
};

/// One entry of `linux.devices`.
struct DeviceConfig {
    std::string path;
    char type = 'c';  ///< 'c', 'b' or 'p'
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    std::uint32_t mode = 0666;  ///< permissions only
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

/// One entry of `linux.netDevices`.
struct NetDeviceConfig {
    std::string host_name;
    std::string name;  ///< in the container; may have "%d" in it, for which the kernel finds a number
};

/// A namespace that exists, and the file that names it.
struct JoinedNamespace {
    std::uint64_t flag = 0;  ///< CLONE_NEW*
    std::string path;        ///< absolute
};

/// One entry of `linux.timeOffsets`.
struct TimeOffset {
    std::string clock;  ///< "monotonic" or "boottime"
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
};

/// A program that somebody wants run at a moment of the container's life.
struct Hook {
    std::string path;               ///< absolute
    std::vector<std::string> args;  ///< at least one: argv[0]
    std::vector<std::string> env;   ///< all of its environment
    int timeout_ms = -1;            ///< -1: none
};

struct Hooks {
    std::vector<Hook> prestart;
    std::vector<Hook> create_runtime;
    std::vector<Hook> create_container;
    std::vector<Hook> start_container;
    std::vector<Hook> poststart;
    std::vector<Hook> poststop;
};

/// `linux.intelRdt`.
struct IntelRdtConfig {
    std::string clos_id;                ///< "": the container's id; "/": the default class
    std::vector<std::string> schemata;  ///< lines, in the order in which they are written
    std::size_t to_agree = 0;           ///< the first so many must be those of a class that is there already
    bool monitoring = false;
};

struct RuntimeConfig {
    std::string oci_version;
    bool has_process = true;  ///< false: may be created, but not started
    ProcessConfig process;
    Hooks hooks;
    std::string root_path;  ///< as written: relative to the bundle, or absolute
    bool root_readonly = false;
    std::string hostname;
    std::string domainname;
    std::vector<MountConfig> mounts;
    std::uint64_t namespaces = 0;  ///< CLONE_NEW* of those to be made
    std::vector<JoinedNamespace> joined_namespaces;
    std::vector<TimeOffset> time_offsets;
    std::vector<NetDeviceConfig> net_devices;
    std::vector<IdMap> uid_mappings;
    std::vector<IdMap> gid_mappings;
    std::vector<DeviceConfig> devices;
    std::vector<std::string> masked_paths;
    std::vector<std::string> readonly_paths;
    std::string cgroups_path;  ///< "" when not given
    Resources resources;
    std::optional<IntelRdtConfig> intel_rdt;
    std::map<std::string, std::string> sysctl;
    std::optional<SeccompConfig> seccomp;
    std::uint64_t root_propagation = 0;  ///< MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, or 0: private
    bool recursive_root_propagation = false;
    std::string mount_label;  ///< SELinux
    std::map<std::string, std::string> annotations;
    /// What the specification lets pass though it cannot be had, a sentence each.
    std::vector<std::string> warnings;

    /// Is the container in a namespace of that kind that is not this process's, a new one or one that exists?
    [[nodiscard]] bool has_namespace(std::uint64_t flag) const noexcept;
};

/// Throws Error: format, when `text` is not JSON; spec, when it is not a configuration, or asks for what this runtime
/// does not do ("'linux.resources.memory' is not supported yet").
[[nodiscard]] RuntimeConfig parse_config(std::string_view text);

/// A `resources` object by itself: what `railcar update` is given. Throws Error (format, spec).
[[nodiscard]] Resources parse_resources(std::string_view text);

/// The `process` of `exec --process FILE`. What it does not have it takes from `container`: capabilities.
[[nodiscard]] ProcessConfig parse_process_document(std::string_view text, const ProcessConfig& container);

/// What `id` is outside, or nothing when it is not mapped.
[[nodiscard]] std::optional<std::uint32_t> map_id(const std::vector<IdMap>& maps, std::uint32_t id);

}  // namespace smith::runtime
