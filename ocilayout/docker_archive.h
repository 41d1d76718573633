// SPDX-License-Identifier: Apache-2.0
//
// What `docker save` and `podman save` write: a tar with manifest.json, which lists images by the names of files in it.
// There is no format document but moby's image/tarexport; the older forms (layers as DIR/layer.tar, some of them links
// to others) and the newer one (an OCI layout with a manifest.json beside) are read alike.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ocilayout/image_files.h"
#include "ocilayout/image_source.h"

namespace smith::ocilayout {

/// An item of manifest.json.
struct DockerImage {
    Digest manifest;     ///< of the image that is written; not in the file
    std::string config;  ///< names of files in the archive
    std::vector<std::string> tags;
    std::vector<std::string> layers;
};

/// Throws Error (format), also for more images or layers than there may be.
[[nodiscard]] std::vector<DockerImage> parse_docker_manifest(std::string_view text);
[[nodiscard]] std::string to_json_text(const std::vector<DockerImage>& images);

/// "nginx" as "docker.io/library/nginx:latest": what docker makes of a name that leaves things out (distribution's
/// reference.ParseNormalizedNamed). Throws Error (usage) for what can't be the name of an image with a tag.
[[nodiscard]] std::string docker_name(std::string_view name);

/// The image that `reference` names: by a name that docker_name() takes, by "@" and its number in manifest.json, or
/// the only one there is. Throws Error: usage, when there is none of that name; format.
[[nodiscard]] std::unique_ptr<ImageSource> docker_archive_source(std::unique_ptr<ImageFiles> files,
                                                                 const Reference& reference);

/// See list_tags().
[[nodiscard]] std::vector<std::string> docker_archive_tags(const ImageFiles& files);

}  // namespace smith::ocilayout
