// SPDX-License-Identifier: Apache-2.0
//
// Images in registries (OCI distribution-spec).
#pragma once

#include <memory>

#include "ocilayout/image_destination.h"
#include "ocilayout/image_source.h"

namespace smith::ocilayout {

/// Of Transport::docker. Throws Error.
[[nodiscard]] std::unique_ptr<ImageSource> open_registry_source(const Reference& source,
                                                                const TransportOptions& options);
[[nodiscard]] std::unique_ptr<ImageDestination> open_registry_destination(const Reference& destination,
                                                                          const TransportOptions& options);

}  // namespace smith::ocilayout
