// SPDX-License-Identifier: Apache-2.0
//
// What several commands do with a container: find out how it is, create it, start it, remove it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "runtime/container.h"
#include "runtime/state_directory.h"
#include "tools/railcar/commands.h"

namespace smith::railcar {

/// A container as it is now.
struct Found {
    runtime::StateDirectory directory;
    runtime::ContainerState state;
    UniqueFd pidfd;  ///< of its PID 1; empty when that has ended
    runtime::Status status = runtime::Status::stopped;
};
/// Throws Error: "container does not exist".
[[nodiscard]] Found find_container(const Global& global, const std::string& id, bool lock = false);
/// Throws Error: "container not running", unless it runs (or is created, where that is enough).
void need_running(const Found& found, bool created_is_enough = false);

struct CreateRequest {
    std::filesystem::path bundle = ".";
    std::filesystem::path pid_file;
    std::filesystem::path console_socket;
    unsigned preserve_fds = 0;
    bool no_pivot = false;
    bool no_new_keyring = false;
    bool detach = true;  ///< false: this process stays with it, and may look after its terminal itself
};
/// The options that `create` and `run` share.
[[nodiscard]] std::vector<Option> create_options(CreateRequest& request);

/// A created container, still this process's child.
struct Created {
    runtime::StateDirectory directory;
    runtime::ContainerState state;
    runtime::RuntimeConfig config;
    runtime::Container container;
    UniqueFd terminal;  ///< its master, where this process looks after it
};
/// Nothing is left when it throws.
[[nodiscard]] Created create_container(const Global& global, const std::string& id, CreateRequest request);

/// Lets the program of a created container start, runs the hooks around that. The caller holds the lock. Throws Error.
void start_container(const Global& global, runtime::StateDirectory& directory, const runtime::ContainerState& state,
                     int pidfd);

/// Clears everything away; poststop hooks run. The process has ended.
void remove_container(runtime::StateDirectory& directory, const std::optional<runtime::ContainerState>& state);

/// The cgroups, and with systemd their unit; what could not be done and need not be is logged. Throws Error.
void clear_cgroups_of(const runtime::CgroupPaths& paths, const runtime::SystemdUnit& unit);

/// SIGKILL, and the end of the process; false when it has not ended within ten seconds.
[[nodiscard]] bool kill_and_wait(int pidfd);

/// The processes of a container, in ascending order.
[[nodiscard]] std::vector<pid_t> processes_of(const Found& found);

/// Beside the containers' directories, under a name that no id can have.
[[nodiscard]] std::filesystem::path seccomp_cache_below(const std::filesystem::path& root);

void write_pid_file(const std::filesystem::path& file, pid_t pid);

/// Checks that descriptors 3 and up, `count` of them (and those of LISTEN_FDS), are open, before anything else is
/// opened in their place. Returns how many there are in all. Throws Error.
[[nodiscard]] unsigned check_preserved_fds(unsigned count);

}  // namespace smith::railcar
