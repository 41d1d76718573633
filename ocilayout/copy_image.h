// SPDX-License-Identifier: Apache-2.0
//
// From any transport to any other. What is copied keeps its bytes, and so its digests, wherever the destination can
// hold them as they are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/reporter.h"
#include "ocilayout/image_destination.h"
#include "ocilayout/image_source.h"

namespace smith::ocilayout {

struct CopyOptions {
    /// Of an image index: all of it, instead of the image for `platform`.
    bool all = false;
    Platform platform = host_platform();
    /// What hangs on the image too: reasons, package list, signatures.
    bool referrers = false;
    /// Manifests in docker's words (docker_types.h), and so with other digests than at the source.
    bool docker_types = false;
    /// Besides the one that the destination names.
    std::vector<std::string> also_tags;
    unsigned jobs = default_jobs();
};

struct CopyResult {
    Descriptor copied;  ///< the manifest or the index, as it is at the destination
    std::uint64_t blobs = 0;
    std::uint64_t bytes = 0;        ///< of those blobs
    std::uint64_t blobs_there = 0;  ///< which the destination had already
    std::uint64_t referrers = 0;
    std::vector<std::string> warnings;  ///< what was left behind. One sentence each
};

/// Blobs first, several at once; then manifests; the tags last. Throws as the members of ImageSource and
/// ImageDestination; the destination then is as it was, but for blobs that nothing names.
[[nodiscard]] CopyResult copy_image(ImageSource& source, ImageDestination& destination, const CopyOptions& options,
                                    Reporter& reporter);

/// An image index of the images that these sources are, one each for its platform, and the images with it. Throws as
/// copy_image(); usage also for two images of one platform.
[[nodiscard]] CopyResult create_index(const std::vector<ImageSource*>& sources, ImageDestination& destination,
                                      const CopyOptions& options, Reporter& reporter);

}  // namespace smith::ocilayout
