// SPDX-License-Identifier: Apache-2.0
//
// Which transport does what image_source.h and image_destination.h promise.
#include "base/error.h"
#include "ocilayout/bounds.h"
#include "ocilayout/image_destination.h"
#include "ocilayout/image_files.h"
#include "ocilayout/image_source.h"
#include "ocilayout/layout_source.h"
#include "ocilayout/registry.h"

namespace smith::ocilayout {

std::unique_ptr<ImageSource> open_image_source(const Reference& source, const TransportOptions& options) {
    switch (source.transport) {
        case Transport::docker: return open_registry_source(source, options);
        case Transport::docker_archive: break;
        case Transport::oci:
        case Transport::oci_archive: return layout_source(open_image_files(source), source);
    }
    throw Error(ErrorKind::usage, "this transport is not there yet; use oci: or oci-archive:");
}

std::unique_ptr<ImageDestination> open_image_destination(const Reference& destination,
                                                         const TransportOptions& options) {
    if (destination.transport == Transport::docker) return open_registry_destination(destination, options);
    throw Error(ErrorKind::usage, "this transport is not there yet; use oci: or oci-archive:");
}

std::string read_blob(ImageSource& source, const Descriptor& descriptor, std::uint64_t max_bytes) {
    if (descriptor.size > max_bytes) {
        throw Error(ErrorKind::format, "blob " + descriptor.digest.str() + " is said to have " +
                                           std::to_string(descriptor.size) + " bytes, more than the " +
                                           std::to_string(max_bytes) + " allowed for its kind");
    }
    return read_all(*source.open_blob(descriptor), max_bytes);
}

}  // namespace smith::ocilayout
