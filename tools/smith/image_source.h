// SPDX-License-Identifier: Apache-2.0
//
// What the commands that look into an image share: getting at it, and at the documents attached to it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ocilayout/copy_image.h"
#include "ocilayout/read_image.h"
#include "tools/smith/context.h"

namespace smith::cli {

[[nodiscard]] ocilayout::TransportOptions transport_options(const Context& context);
/// Which platform, and how to get at it. Without `artifacts`, what hangs on the image is not asked for.
[[nodiscard]] ocilayout::ReadOptions read_options(const Context& context, bool artifacts);

/// `source` and `destination` as reference.h takes them, with what the command line says of registries.
[[nodiscard]] std::unique_ptr<ocilayout::ImageSource> open_source(const std::string& source, const Context& context);
[[nodiscard]] std::unique_ptr<ocilayout::ImageDestination> open_destination(const std::string& destination,
                                                                            const Context& context);
[[nodiscard]] ocilayout::CopyOptions copy_options(const CopyFlags& flags, const Context& context);

/// Throws as load_image_head(), with the image's name in front.
[[nodiscard]] ocilayout::ImageHead open_image_head(const std::string& source, const Context& context);
/// Likewise, with its files. What the image had and a tree can't hold goes to the reporter.
/// Without `artifacts`, a registry is not asked for what hangs on the image.
[[nodiscard]] ocilayout::LoadedImage open_image(const std::string& source, const Context& context,
                                                bool artifacts = true);

/// Null when nothing of that type is attached.
[[nodiscard]] const ocilayout::Artifact* find_artifact(const ocilayout::ImageHead& head, std::string_view type);

/// NEVRAs of the packages that the image's files are from, as its package list has them; sorted. Empty when it has
/// none. Throws Error (format).
[[nodiscard]] std::vector<std::string> packages_of(const ocilayout::ImageHead& head);

}  // namespace smith::cli
