// SPDX-License-Identifier: Apache-2.0
//
// Computes again all that an image says of itself: the digest and size of every manifest and blob, the diff_id of every
// layer, what configuration and manifest say of each other, what hangs on it; and for images that smith made, that
// their layer is written as smith writes it (docs/image-format.md). It does not stop at the first that does not hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/reporter.h"
#include "ocilayout/image_source.h"

namespace smith::ocilayout {

struct Mismatch {
    std::string what;  ///< "layer 1", "configuration", "referrer sha256:..."
    std::string want;  ///< what it should be
    std::string got;   ///< what it is
};

struct Verification {
    Descriptor image;  ///< what the source names
    std::uint64_t manifests = 0;
    std::uint64_t blobs = 0;
    std::uint64_t bytes = 0;  ///< of the blobs
    std::vector<Mismatch> mismatches;
    [[nodiscard]] bool holds() const { return mismatches.empty(); }
};

/// Of an index: the index, and every image in it. Throws Error only when there is nothing to verify, or the system or
/// the network fails; that is not the image's fault.
[[nodiscard]] Verification verify_image(ImageSource& source, Reporter& reporter);

}  // namespace smith::ocilayout
