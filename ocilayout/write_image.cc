// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/write_image.h"

#include "base/error.h"
#include "ocilayout/archive.h"
#include "ocilayout/layout.h"

namespace smith::ocilayout {

void write_image(const FinishedImage& image, const Reference& destination, unsigned jobs) {
    while_doing([&] { return "writing image " + quote(to_string(destination)); },
                [&] {
                    const std::string tag = tag_or_latest(destination);
                    switch (destination.transport) {
                        case Transport::oci: return write_layout(image, destination.path, tag);
                        case Transport::oci_archive: return write_archive(image, destination.path, tag, jobs);
                        case Transport::docker_archive:
                        case Transport::docker: break;
                    }
                    throw Error(ErrorKind::usage, "this transport is not there yet; use oci: or oci-archive:");
                });
}

}  // namespace smith::ocilayout
