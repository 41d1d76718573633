// SPDX-License-Identifier: Apache-2.0
//
// railcar delete [--force] ID...
#include <signal.h>

#include <cerrno>
#include <optional>

#include "base/error.h"
#include "tools/railcar/lifecycle.h"
#include "tools/railcar/log.h"

namespace smith::railcar {

using namespace runtime;

namespace {

/// A state that cannot be read is no reason to keep it.
std::optional<ContainerState> readable_state(const StateDirectory& directory) {
    try {
        if (directory.has_state()) return directory.read();
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format) throw;
        program_log().warning(e.message());
    }
    return std::nullopt;
}

/// Frozen, or about to be: a `pause` that was killed, too, has it frozen in the end. What is frozen does not die.
void thaw(const CgroupPaths& cgroups) {
    try {
        if (!cgroups.empty()) freeze_cgroups(cgroups, false);
    } catch (const Error&) {
        // No cgroup that could be frozen, or none at all yet.
    }
}

/// Whatever runs of it, and whoever is about to make it run.
void stop(const ContainerState& state) {
    if (const UniqueFd pidfd = open_process(linux_kernel(), state.process)) {
        static_cast<void>(linux_kernel().send_signal(pidfd.get(), SIGKILL));
        thaw(state.cgroups);
        if (kill_and_wait(pidfd.get())) return;
        throw Error(ErrorKind::system, "container " + quote(state.id) +
                                           " was killed and does not end: a process of it hangs in the kernel, or has "
                                           "ended and its parent outside of the container does not wait for it");
    }
}

/// Where the state cannot say which cgroups there are, the configuration says which there must have been.
void clear_cgroups(const Global& global, const std::string& id, const StateDirectory& directory) {
    try {
        RuntimeConfig config = parse_config(directory.read_config());
        CgroupRequest request{id, global.rootless, directory.cgroup_name()};
        std::optional<SystemdDriver> systemd;
        if (global.systemd_cgroup) {
            systemd.emplace(use_systemd(config, request.name, global.rootless));
            request.systemd = &*systemd;
        }
        const CgroupPaths planned = plan_cgroups(config, request);
        // Without a state it had no process yet, nor a unit: what runs there is another's, for whose sake it was about
        // to fail.
        if (!directory.has_state()) return remove_empty_cgroups(planned);
        clear_cgroups_of(planned, systemd ? systemd->unit() : SystemdUnit());
    } catch (const Error& e) {
        // Killed before it had written its configuration: nothing was made of that.
        if (!e.is_not_found() || directory.has_state()) program_log().warning(e.message());
    }
}

void delete_by_force(const Global& global, const std::string& id) {
    std::optional<StateDirectory> directory;
    try {
        directory = StateDirectory::open(global.root, id);
        // Somebody who creates it, and holds the lock, notices and gives up.
        if (const auto state = readable_state(*directory)) stop(*state);
        directory->lock();
    } catch (const Error& e) {
        if (e.is_not_found()) return;
        throw;
    }
    const std::optional<ContainerState> state = readable_state(*directory);
    if (state)
        stop(*state);
    else
        clear_cgroups(global, id, *directory);
    remove_container(*directory, state);
}

}  // namespace

int command_delete(const Global& global, const Words& words) {
    bool force = false;
    const Words ids = parse_options(words, {flag("force", 'f', force)});
    if (ids.empty()) usage("'delete' needs a container id");
    for (const std::string& id : ids) {
        if (force) {
            delete_by_force(global, id);
            continue;
        }
        Found found = find_container(global, id, true);
        if (found.status != Status::stopped) {
            throw Error(ErrorKind::system, "cannot delete container " + quote(id) +
                                               " that is not stopped: " + std::string(status_name(found.status)));
        }
        remove_container(found.directory, found.state);
    }
    return 0;
}

}  // namespace smith::railcar
