// SPDX-License-Identifier: Apache-2.0
//
// The images that a spec names as `package` or `parent`: found once, pinned by the lock, and from then on read from the
// cache as far as that has them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/content_store.h"
#include "base/reporter.h"
#include "builder/pkgdb/package.h"
#include "builder/project.h"
#include "ocilayout/layer_cache.h"
#include "ocilayout/read_image.h"
#include "ocilayout/read_layers.h"

namespace smith::builder {

/// How a lock calls the image: as the spec does, without user and password.
[[nodiscard]] std::string locked_name(const Located<std::string>& name);

/// Which image of a multi-platform index is meant.
[[nodiscard]] ocilayout::Platform wanted_platform(const Project& project);

/// What `name` means today. Throws Error as load_image_head(), beginning with the line of the spec; Error (fetch) when
/// it is in a registry and nothing may be downloaded; Error (spec) for an image of another architecture than the
/// spec's.
[[nodiscard]] resolver::LockedSource look_up_image(const Project& project, const Located<std::string>& name,
                                                   const Environment& environment);

/// A locked image, its layers unpacked and laid on each other.
struct SourceImage {
    ocilayout::ImageHead head;
    ocilayout::StackedLayers layers;       ///< files of packages have these as origins
    std::vector<pkgdb::Package> packages;  ///< that the image says are installed in it
};

struct SourceUse {
    bool reread = false;      ///< does not trust what the cache holds of it
    bool keep_blobs = false;  ///< fetch_layer_blobs() follows: what is read of layers stays in the cache
};

/// With a warm cache, opens nothing of what `name` names. Throws Error as load_image().
[[nodiscard]] SourceImage open_source_image(const Project& project, const Located<std::string>& name,
                                            const resolver::LockedSource& locked, const ContentStore& store,
                                            const Environment& environment, SourceUse use, Reporter& reporter);

/// The blobs of all layers of a locked image, in the cache.
[[nodiscard]] std::vector<ocilayout::StoredLayer> fetch_layer_blobs(const Project& project,
                                                                    const Located<std::string>& name,
                                                                    const resolver::LockedSource& locked,
                                                                    const std::vector<ocilayout::Layer>& layers,
                                                                    const Environment& environment, Reporter& reporter);

}  // namespace smith::builder
