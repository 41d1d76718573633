// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/parallel.h"
#include "ocilayout/registry/options.h"

namespace smith::ocilayout {

/// How images are read and written, besides where.
struct TransportOptions {
    unsigned jobs = default_jobs();  ///< threads for compression; blobs that are copied at the same time
    RegistryOptions registry;
};

}  // namespace smith::ocilayout
