// SPDX-License-Identifier: Apache-2.0
//
// Everything that the child will need between clone and execve, made ready by the parent, who may still allocate and
// throw: strings with their NULs, paths with all their prefixes, the compiled filter, the descriptors. The child only
// reads it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "runtime/config.h"
#include "runtime/kernel.h"

namespace smith::runtime {

/// A place in the container's root, relative to it, ready to be walked and made: "dev", "dev/pts".
struct Place {
    std::vector<std::string> prefixes;  ///< at least one; the last is the place itself
    [[nodiscard]] const char* path() const noexcept { return prefixes.back().c_str(); }
};

/// `path` is clean and absolute, and not "/".
[[nodiscard]] Place place_of(const std::string& path);

struct DeviceNumber {
    char type = 'c';
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
};

struct PlannedMount {
    Place place;
    std::string type;  ///< a file system's, or "bind"
    std::string source;
    MountOptions options;
    /// What `source` must be. A host's /dev/null that is something else would be a hole in the container.
    std::optional<DeviceNumber> device;
    /// /dev, /proc and /sys, and device nodes: an image that has a symlink there is up to something.
    bool refuse_symlinks = false;
    /// A bind mount's source, already cloned by a privileged parent; else the child clones it.
    UniqueFd tree;
};

struct PlannedLink {
    Place directory;
    std::string name;
    std::string target;
};

/// A device that is to be in the container.
struct PlannedDevice {
    Place place;
    char type = 'c';  ///< 'c', 'b' or 'p'
    std::uint64_t number = 0;
    std::uint32_t mode = 0666;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    bool make = false;    ///< by mknod, where that is allowed; else, and where it is not, the host's is shown
    bool strict = false;  ///< something else in its place is an error, not covered
    PlannedMount shown;
};

struct PlannedAddress {
    std::uint8_t family = 0;
    std::uint8_t prefix_length = 0;
    std::vector<std::byte> attributes;  ///< as the kernel had them
    std::uint32_t flags = 0;
};

/// A network device that is moved into the container.
struct PlannedNetDevice {
    std::string host_name;
    std::uint32_t host_index = 0;
    std::string name;        ///< its last one, "eth0" or "eth%d"
    std::string moved_name;  ///< the one that it comes with
    std::vector<PlannedAddress> addresses;
};

struct PlannedNamespace {
    std::uint64_t flag = 0;
    UniqueFd fd;
};

/// Where the container's files are put.
enum class RootPlace {
    pivot,   ///< a mount namespace of its own: there the root becomes the only root
    chroot,  ///< a mount namespace that others are in: on the root's own directory, and chroot(2)
};

/// A hook as execve wants it. The pointers lead into the Hook that it was made of.
struct PlannedHook {
    const char* path = nullptr;
    std::vector<const char*> arguments;
    std::vector<const char*> environment;
    int timeout_ms = -1;
};

/// What is asked of a plan beside the configuration.
struct PlanRequest {
    bool wait_at_gate = false;            ///< the program waits until it is started
    unsigned preserved_fds = 0;           ///< descriptors 3 and up that the program inherits
    UniqueFd console_socket;              ///< where the master of the program's terminal is sent
    bool new_keyring = true;              ///< a session keyring of its own
    std::filesystem::path seccomp_cache;  ///< see seccomp_cache.h; empty: none
};

/// The way of a seccomp listener; see listener.h.
struct PlannedListener {
    std::string path;  ///< empty: the filter has none
    std::string metadata;
    UniqueFd tell;   ///< the contained process writes the number of the descriptor
    UniqueFd told;   ///< its courier reads it
    UniqueFd bring;  ///< and sends the descriptor
    UniqueFd take;   ///< to railcar
    [[nodiscard]] bool wanted() const noexcept { return !path.empty(); }
};

struct Plan {
    std::vector<std::string> warnings;     ///< what was asked for and is done without
    std::uint64_t namespaces = 0;          ///< those to be made
    std::vector<PlannedNamespace> joined;  ///< those to be entered
    bool user_namespace = false;           ///< a new one or one that exists
    std::string time_offsets;              ///< as /proc/PID/timens_offsets wants them
    RootPlace root_place = RootPlace::pivot;

    std::string hostname;
    std::string domainname;
    std::vector<PlannedNetDevice> net_devices;

    PlannedMount root;  ///< source, tree and propagation count
    bool root_readonly = false;
    std::vector<PlannedMount> mounts;  ///< in their order; the devices come last
    bool has_devpts = false;
    std::vector<Place> late_readonly;  ///< mounts, once their nodes and links are made
    std::vector<PlannedLink> links;    ///< symbolic links of ours
    std::vector<PlannedDevice> devices;
    PlannedMount null_device;                                  ///< what masked files are covered with
    PlannedMount own_proc;                                     ///< for sysctls only
    std::vector<std::pair<std::string, std::string>> sysctls;  ///< "net/core/somaxconn" below /proc/sys, and its value
    std::vector<Place> readonly_paths;
    std::vector<Place> masked_paths;

    // The ids, as seen inside, that own what is made while the container is being set up.
    std::uint32_t setup_uid = 0;
    std::uint32_t setup_gid = 0;
    bool may_set_groups = true;

    ProcessConfig process;
    std::vector<const char*> arguments;    ///< of process.args, with a null at the end
    std::vector<const char*> environment;  ///< of process.env, likewise
    std::string cwd;                       ///< relative to the root; "." for the root
    std::optional<Place> missing_cwd;      ///< made where it is missing; none for the root

    // The terminal of the program, where it has one.
    UniqueFd console_socket;
    bool shows_console = true;  ///< as /dev/console: the first process's is, those of `exec` are not
    Place console_place;        ///< "dev/console"

    bool wait_at_gate = false;
    unsigned preserved_fds = 0;
    bool new_keyring = true;

    /// Before the root is entered the child reports, and waits for the caller, who has hooks to run.
    bool pause_for_hooks = false;
    std::vector<Hook> container_hooks;  ///< createContainer
    std::vector<PlannedHook> planned_container_hooks;
    UniqueFd hook_state;  ///< what hooks read: filled by the parent once it knows the process's id

    // What the child loads itself; empty where the launcher does it.
    std::uint32_t own_filter_flags = 0;
    std::vector<std::byte> own_filter;
    bool filter_before_privileges_go = false;  ///< else after them
    PlannedListener listener;
    bool sets_labels = false;  ///< of a security module; see labels.h
    UniqueFd launcher;
    UniqueFd orders;
};

/// `config` for a bundle whose directory is `bundle` (absolute). Opens bind sources where the caller is privileged to.
/// Throws Error.
[[nodiscard]] Plan make_plan(Kernel& kernel, const RuntimeConfig& config, const std::filesystem::path& bundle,
                             PlanRequest request = {});
/// For one more process in a container that runs: what concerns a process, and nothing that makes a container.
[[nodiscard]] Plan make_process_plan(Kernel& kernel, const RuntimeConfig& config, PlanRequest request = {});

/// NULL-terminated, as execve wants it; for as long as `strings` lives, or whatever it is moved into.
[[nodiscard]] std::vector<const char*> pointers_to(const std::vector<std::string>& strings);

}  // namespace smith::runtime
