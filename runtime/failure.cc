// SPDX-License-Identifier: Apache-2.0
//
// Makes sentences of what the child and the launcher report.
#include "runtime/failure.h"

#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "runtime/child.h"

namespace smith::runtime {

namespace {

std::string in_root(const Place& place) { return quote("/" + place.prefixes.back()); }

std::string doing_mount(const PlannedMount& mount) {
    if (mount.device) return "showing the host's " + quote(mount.source) + " as " + in_root(mount.place);
    if (mount.type == "bind") return "mounting " + quote(mount.source) + " on " + in_root(mount.place);
    return "mounting " + mount.type + " on " + in_root(mount.place);
}

std::string doing_device(const PlannedDevice& device) {
    return device.make ? "making the device " + in_root(device.place) : doing_mount(device.shown);
}

std::string doing_cover(const Plan& plan, std::size_t item) {
    if (item < plan.readonly_paths.size()) return "making " + in_root(plan.readonly_paths[item]) + " read-only";
    item -= plan.readonly_paths.size();
    if (item < plan.masked_paths.size()) return "masking " + in_root(plan.masked_paths[item]);
    return "covering paths";
}

std::string doing_net_device(const Plan& plan, std::size_t item) {
    if (item >= plan.net_devices.size()) return "setting up network devices";
    return "setting up the network device " + quote(plan.net_devices[item].name);
}

std::string doing_label(const ProcessConfig& process) {
    std::string out = "setting the";
    if (!process.apparmor_profile.empty()) out += " AppArmor profile " + quote(process.apparmor_profile);
    if (!process.apparmor_profile.empty() && !process.selinux_label.empty()) out += " or the";
    if (!process.selinux_label.empty()) out += " SELinux label " + quote(process.selinux_label);
    return out;
}

std::string doing(const Failure& failure, const Plan& plan) {
    const std::size_t item = failure.item;
    switch (failure.step) {
        case StepId::wait_for_parent: return "waiting to be set free";
        case StepId::enter_cgroups: return "entering the cgroup";
        case StepId::late_namespaces: return "making a cgroup namespace";
        case StepId::become_setup_user:
            return "becoming uid " + std::to_string(plan.setup_uid) + " and gid " + std::to_string(plan.setup_gid) +
                   " of the user namespace";
        case StepId::new_session: return "starting a session";
        case StepId::host_name: return "setting the host name " + quote(plan.hostname);
        case StepId::loopback: return "bringing up the loopback interface";
        case StepId::net_devices: return doing_net_device(plan, item);
        case StepId::detach_propagation: return "cutting the mounts off from the host's";
        case StepId::place_root: return "mounting the root file system " + quote(plan.root.source);
        case StepId::mount_file_systems: return item < plan.mounts.size() ? doing_mount(plan.mounts[item]) : "mounting";
        case StepId::make_devices:
            return item < plan.devices.size() ? doing_device(plan.devices[item]) : "making devices";
        case StepId::make_dev_links: return "making the links in '/dev'";
        case StepId::open_console: return "opening the terminal";
        case StepId::write_sysctls:
            return "setting the sysctl " + quote(item < plan.sysctls.size() ? plan.sysctls[item].first : "");
        case StepId::open_own_proc: return "mounting a proc to set labels by";
        case StepId::cover_paths: return doing_cover(plan, item);
        case StepId::run_hooks:
            if (item >= plan.container_hooks.size()) return "waiting for hooks";
            return "the createContainer hook " + quote(plan.container_hooks[item].path);
        case StepId::seal_root: return "making the root read-only";
        case StepId::enter_root: return "entering the root file system";
        case StepId::enter_cwd: return "entering the working directory " + quote(plan.process.cwd);
        case StepId::arrange_descriptors: return "arranging descriptors";
        case StepId::limit_resources:
            return "setting " + (item < plan.process.rlimits.size() ? plan.process.rlimits[item].name : "limits");
        case StepId::schedule: return "setting how the process is scheduled";
        case StepId::early_seccomp:
        case StepId::late_seccomp:
        case StepId::launch_seccomp: return "loading the seccomp filter";
        case StepId::drop_privileges: return "dropping privileges";
        case StepId::die_with_parent: return "asking to die with the parent";
        case StepId::start_launcher: return "starting the launcher";
        case StepId::launch_read: return "reading the launcher's orders";
        case StepId::launch_wait: return "waiting to be started";
        case StepId::launch_label: return doing_label(plan.process);
        case StepId::join_container: return "entering the namespaces of the container";
        case StepId::open_root: return "opening the container's root";
        case StepId::launch_exec: return "running " + quote(plan.process.args.front());
    }
    return "setting up";
}

bool was_refused(const Failure& failure) { return failure.error_number == EPERM || failure.error_number == EACCES; }

/// What a person can do about it, where that is known.
std::string_view advice(const Failure& failure, const Plan& plan) {
    if (failure.error_number == ENOSYS && failure.step < StepId::launch_read) return "Linux 5.12 or newer is needed";
    if (failure.step == StepId::launch_exec && failure.error_number == ENOENT) {
        return "it is not there, or what its '#!' line or its ELF header wants to be run by is not";
    }
    if (failure.step == StepId::launch_exec && failure.error_number == ENOEXEC) {
        return "it is not a program for this machine";
    }
    if (failure.step == StepId::enter_cwd && failure.error_number == ELOOP) {
        return "a working directory may not lead through /proc's links";
    }
    if (failure.step == StepId::enter_cwd && failure.error_number == EXDEV) return "it is outside of the root";
    if (failure.step == StepId::detach_propagation && failure.error_number == EINVAL) {
        return "the root here is not a mount point; is this a chroot?";
    }
    if (failure.step == StepId::enter_root && failure.error_number == EINVAL) {
        return "the root here cannot be changed; is it an initramfs?";
    }
    const bool device = failure.step == StepId::make_devices && failure.item < plan.devices.size();
    const bool mounting = failure.step == StepId::mount_file_systems && failure.item < plan.mounts.size();
    if (device && failure.error_number == EEXIST) return "the image has something else there";
    if (!device && !mounting) return "";
    const PlannedMount& mount = device ? plan.devices[failure.item].shown : plan.mounts[failure.item];
    if (failure.error_number == ENODEV && mount.device) return "the host has something else there";
    if (failure.error_number == ELOOP && mount.refuse_symlinks) return "the image has a symbolic link there";
    if (failure.error_number == EEXIST) return "the image has a symbolic link there that leads nowhere";
    if (mount.type == "proc" && was_refused(failure) && failure.call != SYS_mkdirat) {
        return "in a container, part of whose /proc is hidden, a new one may not be mounted";
    }
    return "";
}

}  // namespace

std::string describe_failure(const Failure& failure, const Plan& plan) {
    std::string out = doing(failure, plan);
    // What a hook did is no system call's result.
    if (failure.step == StepId::run_hooks && failure.error_number == ECANCELED) return out + " " + failure.text;
    // execve is what "running" means; and a path that was not found was not found, by whatever call.
    if (failure.call >= 0 && failure.step != StepId::launch_exec) out += ": " + call_name(failure.call);
    out += ": " + std::generic_category().message(failure.error_number);
    const std::string_view log(failure.text, strnlen(failure.text, sizeof failure.text));
    if (!log.empty()) out += " (" + quote(log.substr(0, log.find_last_not_of("\n") + 1)) + ")";
    const std::string_view help = advice(failure, plan);
    if (!help.empty()) out += " (" + std::string(help) + ")";
    return out;
}

}  // namespace smith::runtime
