// SPDX-License-Identifier: Apache-2.0
//
// Finished builds, so that a build of which nothing changed makes nothing anew: docs/decisions/build-cache.md. One is
// found by a digest of everything that decides it. All of it is in its record but the layer, which is in the
// LayerCache. A record that is damaged, or whose layer is gone, counts as absent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/file_tree.h"
#include "builder/build.h"
#include "builder/project.h"
#include "ocilayout/write_image.h"
#include "resolver/lock.h"

namespace smith::builder {

/// All that decides an image. Refers to its parts.
struct BuildInputs {
    const Project& project;
    const resolver::Lock& lock;
    const FileTree& overlay;
    std::optional<std::int64_t> created;
    /// Repositories, whether their packages must be signed, and the texts of all keys that count: with others, there
    /// might be no image.
    const std::vector<std::string>& signers;
};

/// Nothing for a build that is not to be kept: of a lock that does not name the headers it was made by; from an image;
/// by a program that does not know which one it is (base/build_id.h).
[[nodiscard]] std::optional<Digest> build_key(const BuildInputs& inputs);

struct KnownBuild {
    ocilayout::FinishedImage image;
    BuildResult result;              ///< without `output`, `tests` and `source`
    std::vector<std::string> ships;  ///< Lock::ships
};

class BuildCache {
public:
    /// `cache_dir`: Environment's.
    explicit BuildCache(std::filesystem::path cache_dir) : cache_dir_(std::move(cache_dir)) {}

    [[nodiscard]] std::optional<KnownBuild> find(const Digest& key) const;

    /// `layer`: layer_key() of the one layer. Throws Error (system).
    void store(const Digest& key, const KnownBuild& build, const Digest& layer) const;

private:
    std::filesystem::path cache_dir_;
};

}  // namespace smith::builder
