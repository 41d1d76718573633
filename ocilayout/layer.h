// SPDX-License-Identifier: Apache-2.0
//
// Turns a tree into the one layer of an image. The bytes depend on the tree and on nothing else: entries in byte order
// of their path, one owner, mtime 0, mode 0755 or 0644. Formats: POSIX pax; OCI image-spec layer.md. What is written
// exactly, and why: docs/image-format.md.
#pragma once

#include <cstdint>
#include <string>

#include "base/contents.h"
#include "base/digest.h"
#include "base/file_tree.h"
#include "base/sink.h"
#include "ocilayout/descriptor.h"
#include "ocilayout/owner.h"

namespace smith::ocilayout {

/// What a manifest and a configuration say about a layer.
struct Layer {
    Digest diff_id;          ///< of the uncompressed tar (image-spec config.md, "Layer DiffID")
    Digest digest;           ///< of the blob
    std::uint64_t size = 0;  ///< of the blob, in bytes
    std::string media_type{media_type::kLayerGzip};
    bool operator==(const Layer&) const = default;
};

/// Writes `tree` to `out` as an uncompressed tar. `contents` holds every content that `tree` mentions.
/// Throws Error: integrity, if bytes do not match their digest; what `out` throws.
void write_tar(const FileTree& tree, Owner owner, const Contents& contents, const Sink& out);

/// The digest of what write_tar() writes: a layer's diff_id.
[[nodiscard]] Digest tar_digest(const FileTree& tree, Owner owner, const Contents& contents);

/// Writes the compressed layer to `out` (called on another thread, in order). The same bytes for any `jobs`.
/// Throws as write_tar(); `out` has then been given an incomplete stream.
[[nodiscard]] Layer write_layer(const FileTree& tree, Owner owner, const Contents& contents, const Sink& out,
                                unsigned jobs);

/// A digest of all that decides the bytes of write_tar(), without reading any content: paths, kinds, digests of
/// contents, the owner, and the version of the format. Trees of equal key have equal tars.
[[nodiscard]] Digest layer_key(const FileTree& tree, Owner owner);

}  // namespace smith::ocilayout
