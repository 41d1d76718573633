// SPDX-License-Identifier: Apache-2.0
//
// A bundle: a directory with config.json and, somewhere it says, a root file system (runtime-spec bundle.md).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "runtime/config.h"

namespace smith::runtime {

struct Bundle {
    std::filesystem::path directory;  ///< absolute
    RuntimeConfig config;
};

/// Throws Error: system, when config.json cannot be read; format or spec, as parse_config.
/// `text`, where given, gets the configuration as it was read.
[[nodiscard]] Bundle load_bundle(const std::filesystem::path& directory, std::string* text = nullptr);

/// A container's id becomes the name of a directory: letters, digits and "_+-.", at most 255 of them, not "." and not
/// "..". Throws Error (usage).
void check_container_id(std::string_view id);

}  // namespace smith::runtime
