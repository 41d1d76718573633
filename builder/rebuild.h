// SPDX-License-Identifier: Apache-2.0
//
// Builds an image again and says in what it differs: a file, a field of a header, the compressor, the configuration.
#pragma once

#include <vector>

#include "base/reporter.h"
#include "builder/build.h"
#include "ocilayout/compare_tars.h"
#include "ocilayout/image_source.h"

namespace smith::builder {

/// Builds what `options` say, by their lock, without tests and without writing anything that stays, and compares it
/// with what `image` holds for `platform`: want is what was built. Empty when the manifests are the same bytes. Throws
/// Error of every kind.
[[nodiscard]] std::vector<ocilayout::TarDifference> differences_from_rebuild(const BuildOptions& options,
                                                                             ocilayout::ImageSource& image,
                                                                             const ocilayout::Platform& platform,
                                                                             Reporter& reporter);

}  // namespace smith::builder
