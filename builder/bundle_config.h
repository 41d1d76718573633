// SPDX-License-Identifier: Apache-2.0
//
// What an image's configuration and one run of it come to in a config.json (runtime/spec.h), and who the ids of the
// container are on the host. Bundles of a moment (bundle.h) and bundles to keep (write_bundle.h) are made by this.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/contents.h"
#include "base/file_tree.h"
#include "builder/image_user.h"
#include "ocilayout/image.h"
#include "runtime/id_maps.h"

namespace smith::builder {

/// An image, as far as running it goes.
struct RunnableImage {
    const FileTree& tree;
    const Contents& contents;
    const ocilayout::ImageConfig& config;
};

/// What one run adds to the image's configuration.
struct RunSettings {
    std::vector<std::string> args;               ///< in place of cmd, behind the entrypoint
    std::vector<std::string> entrypoint;         ///< in place of entrypoint and cmd; empty: the image's
    std::vector<std::string> env;                ///< "NAME=value", over the image's
    std::optional<std::filesystem::path> write;  ///< host directory at /write; not given: a tmpfs
    std::optional<std::filesystem::path>
        read;                   ///< host directory at /read, read-only; not given: the image's own /read
    bool host_network = false;  ///< else a network of its own, with only a loopback
};

/// Whether this machine can execute the image's programs.
[[nodiscard]] bool can_run_here(const ocilayout::ImageConfig& config);

/// By whom a bundle will be run.
enum class RunBy {
    bundled_runtime,  ///< maps the one id that is needed, where nothing else is to be had
    any_runtime,      ///< needs id 0 mapped as well: runc, crun, runsc become that before anything else
};

/// As whom an image runs, inside and on the host.
struct Contained {
    ocilayout::ImageConfig config;
    ImageUser user;
    runtime::IdMappings ids;

    /// Writes the image's files to `rootfs`, which is made, each owned by the container's user.
    void lay_down(const RunnableImage& image, const std::filesystem::path& rootfs) const;
    /// Gives `path`, which belongs to the caller, to the container's user. Throws Error (system).
    void own(const std::filesystem::path& path) const;
    /// Removes `path` and all below it, be it the caller's or the container's.
    void remove(const std::filesystem::path& path) const noexcept;
    /// Throws Error (usage) when there is nothing to execute.
    [[nodiscard]] std::string config_json(const RunSettings& settings) const;
};

/// Ids: as root, the container's are those of an unused range of the host, so that it never is the host's root; as an
/// ordinary user, its user is the caller, or, for `any_runtime` without `write`, one of the caller's subordinate ids.
/// `write` is the host directory that will be /write, and is made: its owner is then whom the container's user is
/// outside. Throws Error: usage, for an image of another architecture; system.
[[nodiscard]] Contained contained_as(const RunnableImage& image, const std::optional<std::filesystem::path>& write,
                                     RunBy by);

/// Makes a directory with mode 0755, whatever the umask. Throws Error (system).
void make_open_directory(const std::filesystem::path& path);

/// Everything below `path`, also where a program took away our own right to look into a directory.
void remove_tree(const std::filesystem::path& path) noexcept;

}  // namespace smith::builder
