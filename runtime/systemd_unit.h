// SPDX-License-Identifier: Apache-2.0
//
// A container as a unit of systemd: how its scope is called and where that is, and its limits as the unit's properties.
// Pure functions; systemd.h does the talking. systemd.resource-control(5), systemd.slice(5), systemd.unit(5).
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cgroup_resources.h"
#include "runtime/dbus_message.h"

namespace smith::runtime {

// UNIT_NAME_MAX of systemd, which counts the NUL.
inline constexpr std::size_t kMaxUnitNameBytes = 255;

/// A scope is a unit of processes that somebody else has started.
struct SystemdScope {
    std::string slice;  ///< "machine.slice"
    std::string unit;   ///< "libpod-1234.scope"
    bool operator==(const SystemdScope&) const = default;
};

/// `cgroups_path` is "SLICE:PREFIX:NAME", as runc and crun read it: the scope "PREFIX-NAME.scope" in SLICE. Without a
/// slice it is system.slice, or user.slice of a user's systemd. When it is empty, "`name`.scope", with what a unit's
/// name cannot have escaped as systemd-escape(1) does. Throws Error (spec).
[[nodiscard]] SystemdScope parse_systemd_scope(std::string_view cgroups_path, const std::string& name, bool user);

/// Where `slice` is below the cgroup of systemd itself: "/a.slice/a-b.slice" of "a-b.slice", "" of "-.slice". Throws
/// Error (spec): not the name of a slice.
[[nodiscard]] std::string slice_directory(std::string_view slice);

struct SystemdHost {
    bool unified = false;  ///< cgroups of version 2 alone
    unsigned version = 0;  ///< of systemd: it refuses all properties for one that it does not know
};

/// The limits that systemd has a property for, so that it does not set them back: it writes to the scope's files
/// whenever it is told to read its configuration again. All others are only written to the cgroup. A value that cannot
/// be told to systemd is told to `warnings`. `creating`: some properties cannot be changed later. Throws Error (spec)
/// for what version 2 has no equivalent of.
[[nodiscard]] std::vector<DbusProperty> resource_properties(const Resources& resources, const SystemdHost& host,
                                                            bool creating, std::vector<std::string>& warnings);

/// DevicePolicy and DeviceAllow: what systemd has to let pass so that `rules` can decide. It knows of no exceptions to
/// what it allows, so that its list may be longer than ours; where everything is allowed that isn't denied, it is told
/// to restrict nothing.
[[nodiscard]] std::vector<DbusProperty> device_properties(const std::vector<DeviceRule>& rules,
                                                          std::vector<std::string>& warnings);

/// Of the annotations "org.systemd.property.NAME": GVariant text of a boolean, a number, a string, or an array of
/// strings. "NAMESec" is "NAMEUSec" in seconds. Throws Error (spec) for anything else.
[[nodiscard]] std::vector<DbusProperty> annotated_properties(const std::map<std::string, std::string>& annotations);
inline constexpr std::string_view kSystemdAnnotation = "org.systemd.property.";

/// All that a new scope is made with, `process` being its first.
[[nodiscard]] std::vector<DbusProperty> scope_properties(const SystemdScope& scope, pid_t process);

}  // namespace smith::runtime
