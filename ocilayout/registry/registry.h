// SPDX-License-Identifier: Apache-2.0
//
// Images in registries (OCI distribution-spec).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ocilayout/image_destination.h"
#include "ocilayout/image_source.h"

namespace smith::ocilayout {

/// Of Transport::docker. Throws Error.
[[nodiscard]] std::unique_ptr<ImageSource> open_registry_source(const Reference& source,
                                                                const TransportOptions& options);
[[nodiscard]] std::unique_ptr<ImageDestination> open_registry_destination(const Reference& destination,
                                                                          const TransportOptions& options);

/// See list_tags().
[[nodiscard]] std::vector<std::string> list_registry_tags(const Reference& place, const TransportOptions& options);

/// Takes the image's manifest away, and with it every tag that names it; blobs go when the registry cleans up. Then
/// what other tags say about it: the list of what hangs on it under distribution-spec's fallback tag, and cosign's
/// signatures, attestations and SBOM. Of what itself hung on an image, the list there is mended. Returns what of that
/// did not work, one sentence each. Throws Error: usage, when the image is not there; fetch, also when the registry
/// does not delete.
[[nodiscard]] std::vector<std::string> delete_from_registry(const Reference& image, const TransportOptions& options);

}  // namespace smith::ocilayout
