// SPDX-License-Identifier: Apache-2.0
//
// Which transport does what image_source.h and image_destination.h promise.
#include <utility>

#include "base/error.h"
#include "ocilayout/archive_destination.h"
#include "ocilayout/dir_transport.h"
#include "ocilayout/docker_archive.h"
#include "ocilayout/image_destination.h"
#include "ocilayout/image_files.h"
#include "ocilayout/image_source.h"
#include "ocilayout/layout_destination.h"
#include "ocilayout/layout_source.h"
#include "ocilayout/registry.h"

namespace smith::ocilayout {

namespace {

/// A bare FILE.tar may be either; which one, its members say.
std::unique_ptr<ImageSource> open_archive_source(const Reference& source) {
    std::unique_ptr<ImageFiles> files = open_image_files(source);
    const bool is_docker =
        source.transport == Transport::docker_archive || (!files->size("oci-layout") && files->size("manifest.json"));
    if (is_docker) return docker_archive_source(std::move(files), source);
    return layout_source(std::move(files), source);
}

}  // namespace

std::unique_ptr<ImageSource> open_image_source(const Reference& source, const TransportOptions& options) {
    switch (source.transport) {
        case Transport::docker: return open_registry_source(source, options);
        case Transport::docker_archive:
        case Transport::oci_archive: return open_archive_source(source);
        case Transport::dir: return dir_source(source);
        case Transport::oci: break;
    }
    return layout_source(open_image_files(source), source);
}

std::unique_ptr<ImageDestination> open_image_destination(const Reference& destination,
                                                         const TransportOptions& options) {
    switch (destination.transport) {
        case Transport::docker: return open_registry_destination(destination, options);
        case Transport::oci_archive: return oci_archive_destination(destination, options);
        case Transport::docker_archive: return docker_archive_destination(destination, options);
        case Transport::dir: return dir_destination(destination);
        case Transport::oci: break;
    }
    return layout_destination(destination);
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
