// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace smith::ocilayout {

/// How registries are talked to.
struct RegistryOptions {
    bool insecure = false;  ///< plain HTTP, and certificates of anybody
};

}  // namespace smith::ocilayout
