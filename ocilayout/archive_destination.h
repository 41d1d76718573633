// SPDX-License-Identifier: Apache-2.0
//
// Images in one file: an OCI layout (containers-transports(5), "oci-archive"), and what `docker save` writes
// ("docker-archive"). The same bytes every time: what must be read first stands first, so that a reader can stream.
#pragma once

#include <memory>

#include "ocilayout/image_destination.h"

namespace smith::ocilayout {

// Compressed when the file's name ends in .gz or .tgz. finish() writes the archive, and replaces the file when it is
// complete.

[[nodiscard]] std::unique_ptr<ImageDestination> oci_archive_destination(const Reference& destination,
                                                                        const TransportOptions& options);
/// Layers are stored uncompressed, so that the digest of the manifest is lost; that of the configuration, docker's
/// image ID, stays.
[[nodiscard]] std::unique_ptr<ImageDestination> docker_archive_destination(const Reference& destination,
                                                                           const TransportOptions& options);

}  // namespace smith::ocilayout
