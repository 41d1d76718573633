// SPDX-License-Identifier: Apache-2.0
//
// A bundle of a moment (runtime-spec bundle.md): an image laid down in a directory of its own for one `smith run`, or
// one list of tests, with a config.json for each run.
#pragma once

#include <filesystem>
#include <optional>

#include "base/fd.h"
#include "builder/bundle_config.h"

namespace smith::builder {

/// A bundle in a directory of its own, removed with its owner, or by the next Bundle when a kill -9 took the owner
/// before.
class Bundle {
public:
    /// Lays the image down below `scratch`, which is made; for `any_runtime`, whose processes may have to get there
    /// as other users, below a directory that lets them where `scratch` does not. `write` is as contained_as() has it.
    /// Throws Error: usage, for an image of another architecture; system; integrity.
    Bundle(const RunnableImage& image, const std::filesystem::path& scratch,
           const std::optional<std::filesystem::path>& write, RunBy by = RunBy::bundled_runtime);
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
    Contained contained_;
    std::filesystem::path path_;
    UniqueFd lock_;
};

/// The first directory on the way to `path`, which exists, that not everybody may pass; empty when there is none.
[[nodiscard]] std::filesystem::path first_closed_directory(const std::filesystem::path& path);

}  // namespace smith::builder
