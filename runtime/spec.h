// SPDX-License-Identifier: Apache-2.0
//
// The rules of a microcontainer, written as a config.json: what smith's smoke test runs, what `railcar spec` prints.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/config.h"
#include "runtime/id_maps.h"

namespace smith::runtime {

struct SpecParameters {
    std::vector<std::string> args = {"/bin/sh"};
    std::vector<std::string> env;
    std::string cwd = "/";
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> additional_gids;
    std::string hostname = "smith";
    std::string root_path = "rootfs";  ///< relative to the bundle, or absolute
    /// The ids of the user namespace: choose_mappings(). As root without it there is no user namespace.
    IdMappings mappings;
    std::filesystem::path write_directory;       ///< of the host, shown as /write; empty: a tmpfs
    std::filesystem::path read_directory;        ///< of the host, shown as /read, read-only; empty: the image's own
    bool read_has_mounts = false;                ///< below it, to be shown read-only as well: not every runtime can
    std::vector<std::string> tmpfs_directories;  ///< more scratch space: the image's volumes
    std::vector<ResourceLimit> rlimits;          ///< `resource` is not looked at
    bool host_network = false;
    bool thirty_two_bit = false;  ///< the image holds programs for i386 (on x86-64) or arm (on aarch64)
};

/// A config.json, with a final newline. Throws Error (spec) when a string is not UTF-8.
[[nodiscard]] std::string default_config(const SpecParameters& parameters);

}  // namespace smith::runtime
