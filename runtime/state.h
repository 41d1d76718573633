// SPDX-License-Identifier: Apache-2.0
//
// What a runtime remembers of a container between two of its commands, as one value: state.json of its directory
// (docs/railcar.md has the format), and what `state` shows of it (runtime-spec runtime.md, "State").
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/container_cgroups.h"
#include "runtime/process_identity.h"
#include "runtime/resctrl.h"
#include "runtime/root_mount.h"

namespace smith::runtime {

// The version of the specification that `state` and `features` speak of.
inline constexpr std::string_view kOciVersion = "1.3.0";
// Of state.json. A file of another version is refused: it is of another railcar.
inline constexpr unsigned kStateVersion = 1;

enum class Status { creating, created, running, paused, stopped };
[[nodiscard]] std::string_view status_name(Status status) noexcept;

struct ContainerState {
    std::string id;
    /// False until `create` is through.
    bool created = false;
    ProcessIdentity process;       ///< pid 0: there is none yet
    std::string bundle;            ///< absolute
    std::string rootfs;            ///< absolute
    std::string created_at;        ///< RFC 3339, UTC
    std::uint32_t owner = 0;       ///< who created it
    bool has_process = true;       ///< else it cannot be started
    bool has_start_hooks = false;  ///< startContainer or poststart: `start` has to read the configuration
    bool has_stop_hooks = false;   ///< poststop: so has `delete`
    SystemdUnit systemd_unit;      ///< where systemd has made the cgroups
    ResctrlGroups resctrl;         ///< of a container with `intelRdt`
    std::map<std::string, std::string> annotations;
    CgroupPaths cgroups;
    RootMount root_mount;  ///< of a container without a mount namespace of its own
};

/// state.json, with a final newline.
[[nodiscard]] std::string write_state(const ContainerState& state);
/// Throws Error (format): not JSON, another version, a wrong type, a path that is not absolute.
[[nodiscard]] ContainerState parse_state(std::string_view text);

/// What hooks read and `state` prints: without and with what runc adds to the specification's own fields.
[[nodiscard]] std::string state_for_hooks(const ContainerState& state, Status status);
[[nodiscard]] std::string state_for_people(const ContainerState& state, Status status);
/// What a seccomp listener is sent (runtime-spec config-linux.md, "The Container Process State"): `state` is the
/// container's, as state_for_hooks makes it.
[[nodiscard]] std::string container_process_state(pid_t pid, std::string_view metadata, std::string_view state);
/// The array that `list --format json` prints.
struct ListedContainer {
    ContainerState state;
    Status status;
};
[[nodiscard]] std::string list_as_json(const std::vector<ListedContainer>& containers);

/// Now, in RFC 3339.
[[nodiscard]] std::string current_time();

}  // namespace smith::runtime
