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

[[nodiscard]] ProcessConfig parse_process(const JsonView& process);
[[nodiscard]] Hooks parse_hooks(const JsonView& hooks);
void parse_linux(const JsonView& linux_object, RuntimeConfig& config);

[[nodiscard]] Resources parse_resources(const JsonView& resources);

/// An absolute path without ".", ".." and doubled slashes, all read lexically. Throws Error (spec).
[[nodiscard]] std::string clean_absolute_path(const JsonView& path);

}  // namespace smith::runtime
