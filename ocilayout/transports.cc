// SPDX-License-Identifier: Apache-2.0
//
// Which transport does what image_source.h and image_destination.h promise.
#include <algorithm>
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
#include "ocilayout/registry/registry.h"

namespace smith::ocilayout {

namespace {

/// A bare FILE.tar may be either; which one, its members say.
bool is_dockers(const Reference& source, const ImageFiles& files) {
    return source.transport == Transport::docker_archive || (!files.size("oci-layout") && files.size("manifest.json"));
}

std::unique_ptr<ImageSource> open_archive_source(const Reference& source) {
    std::unique_ptr<ImageFiles> files = open_image_files(source);
    if (is_dockers(source, *files)) return docker_archive_source(std::move(files), source);
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

std::vector<std::string> list_tags(const Reference& place, const TransportOptions& options) {
    std::vector<std::string> out;
    if (place.transport == Transport::docker) {
        out = list_registry_tags(place, options);
    } else if (place.transport != Transport::dir) {
        const std::unique_ptr<ImageFiles> files = open_image_files(place);
        const bool is_archive = place.transport != Transport::oci;
        out = is_archive && is_dockers(place, *files) ? docker_archive_tags(*files) : layout_tags(*files);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
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
