// SPDX-License-Identifier: Apache-2.0
//
// A bundle to keep (runtime-spec bundle.md), for whichever runtime: DIR/rootfs and DIR/config.json, with the rules of a
// microcontainer.
#pragma once

#include <filesystem>

#include "base/reporter.h"
#include "builder/bundle_config.h"

namespace smith::builder {

/// Writes the bundle to `directory`, which is made, or is empty. What is not finished has no config.json, and nothing
/// of it is left when this throws. Tells the reporter what would keep some runtimes from it. Throws Error: usage, when
/// there is something in `directory`, or nothing to execute, or for an image of another architecture; system;
/// integrity.
void write_bundle(const RunnableImage& image, const RunSettings& settings, const std::filesystem::path& directory,
                  Reporter& reporter);

}  // namespace smith::builder
