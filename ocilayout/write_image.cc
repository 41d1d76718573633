// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/write_image.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "ocilayout/docker_types.h"
#include "ocilayout/image_destination.h"

namespace smith::ocilayout {

namespace {

// As in copies: a registry answers one request slowly, and six as fast.
constexpr unsigned kBlobsAtOnce = 6;

struct BlobToPut {
    Descriptor descriptor;
    BlobOpener open;
    std::string mount_from;
};

/// Everything but manifests, the largest first.
std::vector<BlobToPut> blobs_of(const FinishedImage& image, const Referrers& referrers) {
    std::map<Digest, BlobToPut> out;
    for (const StoredLayer& stored : image.layers) {
        Descriptor blob;
        blob.media_type = stored.layer.media_type;
        blob.digest = stored.layer.digest;
        blob.size = stored.layer.size;
        const auto open = [blob, fd = stored.blob] {
            return verifying_source(file_source(fd, 0, blob.size), blob.digest, blob.size);
        };
        out.try_emplace(blob.digest, BlobToPut{blob, open, stored.repository});
    }
    const auto add = [&](const Descriptor& descriptor, const std::string& bytes) {
        out.try_emplace(descriptor.digest, BlobToPut{descriptor, [&bytes] { return memory_source(bytes); }, {}});
    };
    add(image.image.config_desc, image.image.config);
    for (const SmallBlob& blob : referrers.blobs) add(blob.descriptor, blob.bytes);
    std::vector<BlobToPut> sorted;
    for (auto& [digest, blob] : out) sorted.push_back(std::move(blob));
    std::ranges::stable_sort(sorted, std::ranges::greater{},
                             [](const BlobToPut& blob) { return blob.descriptor.size; });
    return sorted;
}

}  // namespace

Descriptor write_image(const FinishedImage& image, ImageDestination& destination, const WriteOptions& options) {
    if (options.docker_types && !destination.keeps_docker_types()) refuse_docker_types();
    RawManifest manifest{image.image.manifest_desc, image.image.manifest};
    if (options.docker_types) manifest = in_docker_types(manifest);
    Referrers referrers;
    if (destination.keeps_referrers() && !options.docker_types) {
        referrers = make_referrers(manifest.descriptor, image.artifacts);
    }
    std::vector<std::string> tags = options.also_tags;
    tags.push_back(destination.tag());
    std::vector<Digest> hanging;
    for (const SmallBlob& one : referrers.manifests) hanging.push_back(one.descriptor.digest);
    if (destination.is_up_to_date(manifest.descriptor, tags, hanging)) return manifest.descriptor;

    const std::vector<BlobToPut> blobs = blobs_of(image, referrers);
    parallel_for(kBlobsAtOnce, blobs.size(), [&](std::size_t i) {
        if (destination.has_blob(blobs[i].descriptor)) return;
        destination.put_blob(blobs[i].descriptor, blobs[i].open, blobs[i].mount_from);
    });
    for (const SmallBlob& one : referrers.manifests) destination.put_manifest(one.descriptor, one.bytes);
    // The one that was asked for comes last: who sees it sees all the others.
    for (const std::string& tag : tags) destination.put_tagged(manifest.descriptor, manifest.bytes, tag);
    destination.finish();
    return manifest.descriptor;
}

void write_image(const FinishedImage& image, const Reference& destination, unsigned jobs) {
    while_doing([&] { return "writing image " + quote(to_string(destination)); },
                [&] {
                    TransportOptions options;
                    options.jobs = jobs;
                    write_image(image, *open_image_destination(destination, options));
                });
}

}  // namespace smith::ocilayout
