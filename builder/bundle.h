// SPDX-License-Identifier: Apache-2.0
//
// From an image to a bundle on disk that the runtime can execute (runtime-spec bundle.md): a directory with rootfs/ and
// a config.json that states the rules of a microcontainer (runtime/spec.h).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/contents.h"
#include "base/fd.h"
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

/// A bundle in a directory of its own (0700), removed with its owner, or by the next Bundle when a kill -9 took the
/// owner before.
class Bundle {
public:
    /// Lays the image down below `scratch`, which is made. Ids: as root, the container's are those of an unused range
    /// of the host, so that it never is the host's root; as an ordinary user, its user is the caller.
    /// `write` is the host directory that will be /write: its owner is then whom the container's user is outside.
    /// Throws Error: usage, for an image of another architecture; system; integrity.
    Bundle(const RunnableImage& image, const std::filesystem::path& scratch,
           const std::optional<std::filesystem::path>& write);
    Bundle(const Bundle&) = delete;
    Bundle& operator=(const Bundle&) = delete;
    ~Bundle();

    /// Writes config.json for the next run. Throws Error (usage) when there is nothing to execute.
    void configure(const RunSettings& settings);

    /// A new directory beside rootfs that the container's user may write to: for a /write that several runs share.
    [[nodiscard]] std::filesystem::path make_write_directory();

    /// False when somebody deleted what the image's `tree` has (it lies in a cache): then no test of it says anything.
    [[nodiscard]] bool is_whole(const FileTree& tree) const;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
    UniqueFd lock_;
    ocilayout::ImageConfig config_;
    ImageUser user_;
    runtime::IdMappings ids_;
};

}  // namespace smith::builder
