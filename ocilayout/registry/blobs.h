// SPDX-License-Identifier: Apache-2.0
//
// Blobs of one repository: pulled as a stream that goes on where it broke, pushed in as few requests as there can be
// (distribution-spec, "Pulling blobs", "Pushing Blobs").
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ocilayout/byte_source.h"
#include "ocilayout/descriptor.h"
#include "ocilayout/image_destination.h"
#include "ocilayout/registry/client.h"

namespace smith::ocilayout {

/// True when the registry says that it has the blob, with that size.
[[nodiscard]] bool has_blob(RegistryClient& client, const Descriptor& blob);

/// The blob, verified at its end, from the first of `clients` that has it; from the next one where the first one fails,
/// with what has come already kept. A connection that breaks is taken up where it broke. It is fetched on a thread of
/// its own from now on; whoever loses interest destroys the source.
[[nodiscard]] std::unique_ptr<ByteSource> open_remote_blob(std::vector<std::shared_ptr<RegistryClient>> clients,
                                                           const Descriptor& blob);

/// Puts the blob there, whether it is there or not. `open` gives its bytes from the start as often as it is called,
/// verified at their end. `mount_from`: a repository of the same registry that may have it already; or empty.
/// Throws Error: fetch; what the source throws.
void put_blob(RegistryClient& client, const Descriptor& blob, const BlobOpener& open, const std::string& mount_from);

}  // namespace smith::ocilayout
