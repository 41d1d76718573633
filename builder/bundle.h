// SPDX-License-Identifier: Apache-2.0
//
// From an image to a bundle on disk that the runtime can execute (runtime-spec bundle.md): a directory with rootfs/ and
// a config.json that states the rules of a microcontainer (runtime/spec.h).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/contents.h"
#include "base/file_tree.h"
#include "ocilayout/image.h"

namespace smith::builder {

/// An image, as far as running it goes.
struct RunnableImage {
    const FileTree& tree;
    const Contents& contents;
    const ocilayout::ImageConfig& config;
};

/// What one run adds to the image's configuration.
struct RunSettings {
    std::vector<std::string> args;              ///< in place of cmd, behind the entrypoint
    std::vector<std::string> entrypoint;        ///< in place of the entrypoint, cmd ignored; empty: the image's
    std::vector<std::string> env;               ///< "NAME=value", over the image's
    std::optional<std::filesystem::path> write;  ///< host directory at /write; not given: one that is forgotten afterwards
    std::optional<std::filesystem::path> read;   ///< host directory at /read, read-only; not given: the image's own /read
    bool host_network = false;                   ///< not given: a network of its own, with only a loopback
};

/// A bundle in a directory of its own (0700, under `parent`), removed with its owner.
class Bundle {
public:
    /// Throws Error: usage, when there is nothing to execute; system; integrity.
    Bundle(const RunnableImage& image, const std::filesystem::path& parent);
    Bundle(const Bundle&) = delete;
    Bundle& operator=(const Bundle&) = delete;
    ~Bundle();

    /// Writes config.json for the next run. The directory that serves as /write is made if it does not exist.
    void configure(const RunSettings& settings);

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
    ocilayout::ImageConfig config_;
    std::string architecture_;
};

}  // namespace smith::builder
