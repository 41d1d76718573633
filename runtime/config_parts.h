// SPDX-License-Identifier: Apache-2.0
//
// The parts of the parser of config.json, for each other only: config.cc has the document and `process`,
// config_linux.cc the `linux` object, config_hooks.cc the `hooks`.
#pragma once

#include "runtime/config.h"
#include "runtime/json_view.h"

namespace smith::runtime {

// (uid_t)-1 means "leave as it is" to every call that takes an id.
inline constexpr std::uint64_t kHighestId = 4294967294;

[[nodiscard]] ProcessConfig parse_process(const JsonView& process, std::vector<std::string>& warnings);
[[nodiscard]] Hooks parse_hooks(const JsonView& hooks);
void parse_linux(const JsonView& linux_object, RuntimeConfig& config);

[[nodiscard]] Resources parse_resources(const JsonView& resources);

[[nodiscard]] std::vector<IdMap> parse_mappings(const JsonView& mappings);
[[nodiscard]] SchedulingConfig parse_scheduling(const JsonView& process);
void parse_linux_scheduling(const JsonView& linux_object, SchedulingConfig& out);

/// An absolute path without ".", ".." and doubled slashes, all read lexically. A relative one is from the root, where
/// that is allowed. Throws Error (spec).
[[nodiscard]] std::string clean_absolute_path(const JsonView& path, bool may_be_relative = false);

}  // namespace smith::runtime
