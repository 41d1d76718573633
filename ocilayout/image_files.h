// SPDX-License-Identifier: Apache-2.0
//
// The files of an OCI layout, whether they are in a directory or in an archive. An archive is never unpacked: its
// members are read where they are in the file; one that is compressed is decompressed first into a file without a name.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "ocilayout/byte_source.h"
#include "ocilayout/descriptor.h"
#include "ocilayout/reference.h"

namespace smith::ocilayout {

class ImageFiles {
public:
    virtual ~ImageFiles() = default;
    /// The file of this name ("index.json", "blobs/sha256/..."); null when there is none. Nothing is verified.
    [[nodiscard]] virtual std::unique_ptr<ByteSource> open(const std::string& name) const = 0;
    /// Its size in bytes.
    [[nodiscard]] virtual std::optional<std::uint64_t> size(const std::string& name) const = 0;
};

/// Throws Error: usage, when there is nothing at the path, or for a transport that can't be read; format; system.
[[nodiscard]] std::unique_ptr<ImageFiles> open_image_files(const Reference& source);

/// "blobs/sha256/<hex>"
[[nodiscard]] std::string blob_name(const Digest& digest);

/// The blob that `descriptor` means, verified when it is read to its end. Throws Error (integrity) when it is missing.
[[nodiscard]] std::unique_ptr<ByteSource> open_blob(const ImageFiles& files, const Descriptor& descriptor);

/// All of a small blob, verified, when only its digest is known. Nothing when it is missing.
[[nodiscard]] std::optional<std::string> read_blob_if_there(const ImageFiles& files, const Digest& digest,
                                                            std::uint64_t max_bytes);

}  // namespace smith::ocilayout
