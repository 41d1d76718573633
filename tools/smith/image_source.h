// SPDX-License-Identifier: Apache-2.0
//
// What the commands that look into an image share: getting at it, and at the documents attached to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ocilayout/read_image.h"
#include "tools/smith/context.h"

namespace smith::cli {

/// `source` as reference.h takes it. Throws as load_image_head(), with the image's name in front.
[[nodiscard]] ocilayout::ImageHead open_image_head(const std::string& source);
/// Likewise, with its files. What the image had and a tree can't hold goes to the reporter.
[[nodiscard]] ocilayout::LoadedImage open_image(const std::string& source, const Context& context);

/// Null when nothing of that type is attached.
[[nodiscard]] const ocilayout::Artifact* find_artifact(const ocilayout::ImageHead& head, std::string_view type);

/// NEVRAs of the packages that the image's files are from, as its package list has them; sorted. Empty when it has
/// none. Throws Error (format).
[[nodiscard]] std::vector<std::string> packages_of(const ocilayout::ImageHead& head);

}  // namespace smith::cli
