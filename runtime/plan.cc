// SPDX-License-Identifier: Apache-2.0
#include "runtime/plan.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bounds.h"
#include "base/error.h"
#include "runtime/caps.h"
#include "runtime/cgroup_mounts.h"
#include "runtime/failure.h"
#include "runtime/hooks.h"
#include "runtime/id_maps.h"
#include "runtime/idmapped.h"
#include "runtime/labels.h"
#include "runtime/launcher_image.h"
#include "runtime/listener.h"
#include "runtime/mounts.h"
#include "runtime/net_devices.h"
#include "runtime/seccomp.h"
#include "runtime/seccomp_cache.h"
#include "runtime/usher.h"

namespace smith::runtime {

namespace {

struct DefaultDevice {
    const char* path;
    DeviceNumber number;
};

// runtime-spec config-linux.md, "Default Devices". Their numbers never change (the kernel's devices.txt).
constexpr std::array kDefaultDevices = {
    DefaultDevice{"/dev/null", {'c', 1, 3}},    DefaultDevice{"/dev/zero", {'c', 1, 5}},
    DefaultDevice{"/dev/full", {'c', 1, 7}},    DefaultDevice{"/dev/random", {'c', 1, 8}},
    DefaultDevice{"/dev/urandom", {'c', 1, 9}}, DefaultDevice{"/dev/tty", {'c', 5, 0}},
};

std::string absolute_in(const std::filesystem::path& bundle, const std::string& path) {
    return (bundle / path).lexically_normal().string();
}

/// Clones `source` here when this process may: it is then the caller's own rights that decide what can be mounted, not
/// those of an unprivileged id that the container's root is mapped to.
UniqueFd clone_if_privileged(Kernel& kernel, const PlannedMount& mount) {
    const Result tree = clone_source(kernel, mount);
    if (tree == -EPERM) return UniqueFd();
    if (tree < 0) throw system_error(static_cast<int>(-tree), "opening the source " + quote(mount.source));
    return UniqueFd(static_cast<int>(tree));
}

/// Opens the source of a bind mount, and maps its ids where that is asked for, by this process's own rights.
UniqueFd open_bind_source(Kernel& kernel, const MountConfig& mount, const RuntimeConfig& config,
                          const PlannedMount& planned) {
    // Where the child has the same rights it opens the source itself, in its turn: newer kernels list mounts by their
    // age, and people read that list as the order of mounting.
    const bool same_rights = !config.has_namespace(CLONE_NEWUSER) && (config.namespaces & CLONE_NEWNS) != 0;
    if (same_rights && !mount.options.map_ids) return UniqueFd();
    UniqueFd tree = clone_if_privileged(kernel, planned);
    if (!mount.options.map_ids) return tree;
    const bool own = !mount.uid_mappings.empty();
    const std::vector<IdMap>& uids = own ? mount.uid_mappings : config.uid_mappings;
    const std::vector<IdMap>& gids = own ? mount.gid_mappings : config.gid_mappings;
    if (uids.empty()) throw Error(ErrorKind::spec, "its ids are to be mapped, but there is no mapping");
    if (!tree) throw Error(ErrorKind::system, "only root may map the ids of a mount");
    map_ids(kernel, tree.get(), mount.options.recursive_map_ids, make_user_namespace(kernel, uids, gids).get());
    return tree;
}

/// The file systems that take a label from a mount option; the others have labels of their own.
bool takes_label(const std::string& type) {
    return type != "bind" && type != "proc" && type != "sysfs" && type != "cgroup" && type != "cgroup2";
}

PlannedMount plan_mount(Kernel& kernel, const MountConfig& mount, const RuntimeConfig& config,
                        const std::filesystem::path& bundle) {
    PlannedMount planned;
    planned.place = place_of(mount.destination);
    planned.type = mount.type;
    planned.source = mount.source;
    planned.options = mount.options;
    planned.refuse_symlinks =
        mount.type == "proc" || mount.type == "sysfs" || mount.destination == "/dev" || mount.type == "devpts";
    if (mount.options.remount) return planned;
    if (!config.mount_label.empty() && takes_label(mount.type)) {
        planned.options.data.push_back({"context", config.mount_label});
    }
    if (mount.type == "bind") {
        planned.source = absolute_in(bundle, mount.source);
        while_doing([&] { return "mounting on " + quote(mount.destination); },
                    [&] { planned.tree = open_bind_source(kernel, mount, config, planned); });
    }
    return planned;
}

void plan_mounts(Kernel& kernel, const RuntimeConfig& config, const std::filesystem::path& bundle, Plan& plan) {
    for (const MountConfig& mount : config.mounts) {
        if (is_cgroup_mount(mount)) {
            plan_cgroup_mount(mount, config, plan);
            continue;
        }
        PlannedMount planned = plan_mount(kernel, mount, config, bundle);
        if (mount.destination == "/dev" && mount.type == "tmpfs" && (mount.options.set & MOUNT_ATTR_RDONLY) != 0) {
            // Its nodes and links must be made first. seal_root() makes up for it.
            planned.options.set &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
            plan.late_readonly.push_back(planned.place);
        }
        plan.has_devpts = plan.has_devpts || (mount.type == "devpts" && mount.destination == "/dev/pts");
        plan.mounts.push_back(std::move(planned));
    }
}

PlannedMount device_mount(const std::string& path, DeviceNumber number) {
    PlannedMount planned;
    planned.place = place_of(path);
    planned.type = "bind";
    planned.source = path;
    planned.options.bind = true;
    planned.device = number;
    planned.refuse_symlinks = true;
    return planned;
}

/// Where the host has it: under the same name, or under the one that the kernel gave it.
std::string host_path_of(const DeviceConfig& device) {
    struct stat status {};
    const dev_t number = makedev(device.major, device.minor);
    const mode_t type = device.type == 'b' ? S_IFBLK : S_IFCHR;
    if (lstat(device.path.c_str(), &status) == 0 && (status.st_mode & S_IFMT) == type && status.st_rdev == number) {
        return device.path;
    }
    try {
        const std::string text =
            read_file("/sys/dev/" + std::string(device.type == 'b' ? "block/" : "char/") +
                          std::to_string(device.major) + ":" + std::to_string(device.minor) + "/uevent",
                      limits::kMiB);
        constexpr std::string_view key = "DEVNAME=";
        const std::size_t at = text.find(key);
        if (at == std::string::npos) return device.path;
        const std::size_t begin = at + key.size();
        return "/dev/" + text.substr(begin, text.find('\n', begin) - begin);
    } catch (const Error&) {
        return device.path;  // showing it will say what is wrong
    }
}

void plan_devices(const RuntimeConfig& config, Plan& plan) {
    plan.null_device = device_mount(kDefaultDevices[0].path, kDefaultDevices[0].number);
    // A configuration that binds the host's /dev, or a node of its own choice, keeps what it asked for.
    const auto is_bound = [&](const std::string& path) {
        return std::any_of(config.mounts.begin(), config.mounts.end(), [&](const MountConfig& mount) {
            return mount.type == "bind" && (mount.destination == "/dev" || mount.destination == path);
        });
    };
    const bool make = !plan.user_namespace && geteuid() == 0;
    for (const DefaultDevice& device : kDefaultDevices) {
        if (is_bound(device.path)) continue;
        const DeviceNumber& number = device.number;
        plan.devices.push_back({place_of(device.path), number.type, makedev(number.major, number.minor), 0666, 0, 0,
                                make, false, device_mount(device.path, number)});
    }
    for (const DeviceConfig& device : config.devices) {
        if (is_bound(device.path)) continue;
        plan.devices.push_back({place_of(device.path), device.type, makedev(device.major, device.minor), device.mode,
                                device.uid, device.gid, make || device.type == 'p', true,
                                device_mount(device.path, {device.type, device.major, device.minor})});
        PlannedDevice& planned = plan.devices.back();
        if (!planned.make) planned.shown.source = host_path_of(device);
    }
}

void plan_root(Kernel& kernel, const RuntimeConfig& config, const std::filesystem::path& bundle, Plan& plan) {
    plan.root_readonly = config.root_readonly;
    plan.root.source = absolute_in(bundle, config.root_path);
    plan.root.options.recursive_bind = true;
    plan.root.options.propagation = config.root_propagation;
    plan.root.options.recursive_propagation = config.recursive_root_propagation;
    plan.root.tree = while_doing([] { return std::string("the root file system"); },
                                 [&] { return clone_if_privileged(kernel, plan.root); });
}

void plan_identity(const RuntimeConfig& config, Plan& plan) {
    plan.setup_uid = plan.process.uid;
    plan.setup_gid = plan.process.gid;
    if (!config.has_namespace(CLONE_NEWUSER)) {
        plan.setup_uid = 0;
        plan.setup_gid = 0;
        return;
    }
    // A user namespace that exists without its mappings being told is an ordinary one, with a root.
    if (config.uid_mappings.empty() || map_id(config.uid_mappings, 0)) plan.setup_uid = 0;
    if (config.gid_mappings.empty() || map_id(config.gid_mappings, 0)) plan.setup_gid = 0;
    plan.may_set_groups = may_set_groups(config);
    if (!plan.may_set_groups && !plan.process.additional_gids.empty()) {
        throw Error(ErrorKind::spec,
                    "'process.user.additionalGids' is given, but who may map only one group may not set groups");
    }
}

/// "Runtimes SHOULD NOT fail if the container configuration requests capabilities that cannot be granted" (config.md):
/// those that this process, itself confined, does not have. In a user namespace the container has them all.
void plan_capabilities(const RuntimeConfig& config, Plan& plan) {
    if (config.has_namespace(CLONE_NEWUSER)) return;
    Capabilities& sets = plan.process.capabilities;
    const std::uint64_t ours = own_permitted_capabilities();
    const std::uint64_t lost = (sets.bounding | sets.permitted | sets.inheritable) & ~ours;
    for (unsigned number = 0; number < capability_count(); ++number) {
        if (((lost >> number) & 1U) == 0) continue;
        plan.warnings.push_back(std::string(capability_name(number)) + " cannot be given: this process lacks it");
    }
    for (std::uint64_t* set : {&sets.bounding, &sets.permitted, &sets.effective, &sets.inheritable, &sets.ambient}) {
        *set &= ours;
    }
}

UniqueFd write_orders(Kernel& kernel, const SeccompProgram& program, bool wait, Plan& plan) {
    const Result fd = kernel.create_memory_file("smith-orders");
    if (fd < 0) throw system_error(static_cast<int>(-fd), "making the launcher's orders");
    UniqueFd file(static_cast<int>(fd));
    LauncherOrders orders{kOrdersMagic, program.flags, static_cast<std::uint32_t>(program.instructions.size() / 8),
                          wait ? 1U : 0U, 0};
    const std::vector<std::byte> labels = label_orders(plan.process, orders);
    plan.sets_labels = !labels.empty();
    write_all(file.get(), std::as_bytes(std::span(&orders, 1)));
    write_all(file.get(), program.instructions);
    write_all(file.get(), labels);
    if (lseek(file.get(), 0, SEEK_SET) != 0) throw system_error(errno, "making the launcher's orders");
    return file;
}

void plan_launch(Kernel& kernel, const RuntimeConfig& config, PlanRequest request, Plan& plan) {
    // A container without a process is never started; the launcher wants a name all the same.
    if (!config.has_process) plan.process.args = {""};
    plan.wait_at_gate = request.wait_at_gate;
    plan.preserved_fds = request.preserved_fds;
    plan.new_keyring = request.new_keyring;
    plan.console_socket = std::move(request.console_socket);
    plan.console_place = place_of("/dev/console");
    plan.arguments = pointers_to(plan.process.args);
    plan.environment = pointers_to(plan.process.env);
    plan.cwd = plan.process.cwd.substr(std::min(plan.process.cwd.find_first_not_of('/'), plan.process.cwd.size()));
    if (plan.cwd.empty()) plan.cwd = ".";
    const std::filesystem::path clean = std::filesystem::path("/" + plan.cwd + "/.").lexically_normal().parent_path();
    if (clean != "/") plan.missing_cwd = place_of(clean.string());

    SeccompProgram program;
    if (config.seccomp) {
        program = while_doing([] { return std::string("'linux.seccomp'"); },
                              [&] { return cached_seccomp(*config.seccomp, request.seccomp_cache); });
    }
    // Then the kernel wants CAP_SYS_ADMIN of whoever loads a filter, which the launcher no longer has.
    plan.filter_before_privileges_go = !plan.process.no_new_privileges;
    if (program.has_listener()) plan_listener(*config.seccomp, plan);
    if (plan.filter_before_privileges_go || program.has_listener()) {
        plan.own_filter_flags = program.flags;
        plan.own_filter = std::exchange(program.instructions, {});
    }
    plan.launcher = make_launcher(kernel);
    plan.orders = write_orders(kernel, program, request.wait_at_gate, plan);
}

void plan_hooks(Kernel& kernel, const Hooks& hooks, Plan& plan) {
    plan.container_hooks = hooks.create_container;
    for (const Hook& hook : plan.container_hooks) plan.planned_container_hooks.push_back(plan_hook(hook));
    plan.pause_for_hooks = !hooks.prestart.empty() || !hooks.create_runtime.empty() || !hooks.create_container.empty();
    if (plan.container_hooks.empty()) return;
    const Result fd = kernel.create_memory_file("smith-state");
    if (fd < 0) throw system_error(static_cast<int>(-fd), "making room for the state that hooks read");
    plan.hook_state = UniqueFd(static_cast<int>(fd));
}

void plan_namespaces(Kernel& kernel, const RuntimeConfig& config, Plan& plan) {
    plan.namespaces = config.namespaces;
    plan.user_namespace = config.has_namespace(CLONE_NEWUSER);
    if ((config.namespaces & CLONE_NEWNS) == 0) plan.root_place = RootPlace::chroot;
    for (const JoinedNamespace& joined : config.joined_namespaces) {
        plan.joined.push_back({joined.flag, open_namespace(kernel, joined)});
    }
    for (const TimeOffset& offset : config.time_offsets) {
        plan.time_offsets +=
            offset.clock + " " + std::to_string(offset.seconds) + " " + std::to_string(offset.nanoseconds) + "\n";
    }
}

}  // namespace

std::vector<const char*> pointers_to(const std::vector<std::string>& strings) {
    std::vector<const char*> out;
    for (const std::string& text : strings) out.push_back(text.c_str());
    out.push_back(nullptr);
    return out;
}

Place place_of(const std::string& path) {
    Place place;
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        place.prefixes.push_back(path.substr(1, slash - 1));
    }
    place.prefixes.push_back(path.substr(1));
    return place;
}

Plan make_plan(Kernel& kernel, const RuntimeConfig& config, const std::filesystem::path& bundle, PlanRequest request) {
    Plan plan;
    plan_namespaces(kernel, config, plan);
    plan.hostname = config.hostname;
    plan.domainname = config.domainname;
    plan_net_devices(config, plan);
    plan.process = config.process;
    plan_identity(config, plan);
    plan_capabilities(config, plan);
    plan_root(kernel, config, bundle, plan);
    plan_mounts(kernel, config, bundle, plan);
    plan_devices(config, plan);
    plan.own_proc.type = "proc";
    for (const auto& [key, value] : config.sysctl) {
        std::string path = key;
        // A dot in a component, such as in an interface's name, was written as a slash.
        for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
        plan.sysctls.emplace_back("sys/" + path, value);
    }
    for (const std::string& path : config.readonly_paths) plan.readonly_paths.push_back(place_of(path));
    for (const std::string& path : config.masked_paths) plan.masked_paths.push_back(place_of(path));
    plan_hooks(kernel, config.hooks, plan);
    plan_launch(kernel, config, std::move(request), plan);
    return plan;
}

Plan make_process_plan(Kernel& kernel, const RuntimeConfig& config, PlanRequest request) {
    Plan plan;
    plan.namespaces = config.namespaces;
    plan.process = config.process;
    plan.shows_console = false;
    plan_identity(config, plan);
    plan_capabilities(config, plan);
    plan_launch(kernel, config, std::move(request), plan);
    return plan;
}

UniqueFd make_launcher(Kernel& kernel) {
    const Result fd = kernel.create_memory_file("smith-launcher");
    if (fd < 0) throw system_error(static_cast<int>(-fd), "making the launcher");
    UniqueFd file(static_cast<int>(fd));
    write_all(file.get(), std::as_bytes(std::span(kLauncherImage, kLauncherImageSize)));
    const Result sealed = kernel.seal(file.get(), F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    if (sealed < 0) throw system_error(static_cast<int>(-sealed), "sealing the launcher");
    return file;
}

}  // namespace smith::runtime
