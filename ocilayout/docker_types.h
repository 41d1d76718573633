// SPDX-License-Identifier: Apache-2.0
//
// Manifests in docker's words: "Image Manifest Version 2, Schema 2" of docker's registry, for registries that were
// written before OCI. Configuration and layers keep their bytes, and so their digests; what names them is another
// document, with another digest, and has no room for annotations.
#pragma once

#include <map>

#include "base/digest.h"
#include "ocilayout/image_source.h"

namespace smith::ocilayout {

/// A manifest of the same image. One that is docker's already is returned as it is. Throws Error: format; usage, for
/// what docker has no word for: an artifact, a layer in zstd.
[[nodiscard]] RawManifest in_docker_types(const RawManifest& manifest);

/// A manifest list of the same images. `renamed`: by the digests that `index` knows them by, what they became.
/// Throws Error: format; usage, for an entry that has no platform or is in no way an image.
[[nodiscard]] RawManifest index_in_docker_types(const RawManifest& index, const std::map<Digest, Descriptor>& renamed);

/// Says that the destination holds documents of OCI's types only: Error (usage).
[[noreturn]] void refuse_docker_types();

}  // namespace smith::ocilayout
