// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/write_image.h"

#include <set>

#include "base/error.h"
#include "ocilayout/image_destination.h"

namespace smith::ocilayout {

namespace {

void put(const SmallBlob& blob, ImageDestination& destination) {
    if (destination.has_blob(blob.descriptor)) return;
    destination.put_blob(blob.descriptor, [&blob] { return memory_source(blob.bytes); }, {});
}

void put_layers(const FinishedImage& image, ImageDestination& destination) {
    std::set<Digest> done;
    for (const StoredLayer& stored : image.layers) {
        Descriptor blob;
        blob.media_type = stored.layer.media_type;
        blob.digest = stored.layer.digest;
        blob.size = stored.layer.size;
        if (!done.insert(blob.digest).second || destination.has_blob(blob)) continue;
        destination.put_blob(blob,
                             [blob, fd = stored.blob] {
                                 return verifying_source(file_source(fd, 0, blob.size), blob.digest, blob.size);
                             },
                             {});
    }
}

}  // namespace

void write_image(const FinishedImage& image, ImageDestination& destination, std::span<const std::string> also_tags) {
    const SmallBlob config{image.image.config_desc, image.image.config};
    Referrers referrers;
    if (destination.keeps_referrers()) referrers = make_referrers(image.image.manifest_desc, image.artifacts);
    put_layers(image, destination);
    put(config, destination);
    for (const SmallBlob& blob : referrers.blobs) put(blob, destination);
    for (const SmallBlob& manifest : referrers.manifests) destination.put_manifest(manifest.descriptor, manifest.bytes);
    const auto put_tagged = [&](const std::string& tag) {
        destination.put_tagged(image.image.manifest_desc, image.image.manifest, tag);
    };
    for (const std::string& tag : also_tags) put_tagged(tag);
    put_tagged(destination.tag());
    destination.finish();
}

void write_image(const FinishedImage& image, const Reference& destination, unsigned jobs) {
    while_doing([&] { return "writing image " + quote(to_string(destination)); },
                [&] {
                    TransportOptions options;
                    options.jobs = jobs;
                    write_image(image, *open_image_destination(destination, options), {});
                });
}

}  // namespace smith::ocilayout
