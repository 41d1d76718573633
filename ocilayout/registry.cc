// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry.h"

#include "base/error.h"

namespace smith::ocilayout {

namespace {

[[noreturn]] void not_there_yet() {
    throw Error(ErrorKind::usage, "this transport is not there yet; use oci: or oci-archive:");
}

}  // namespace

std::unique_ptr<ImageSource> open_registry_source(const Reference& /*source*/, const TransportOptions& /*options*/) {
    not_there_yet();
}

std::unique_ptr<ImageDestination> open_registry_destination(const Reference& /*destination*/,
                                                            const TransportOptions& /*options*/) {
    not_there_yet();
}

}  // namespace smith::ocilayout
