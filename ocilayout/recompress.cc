// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/recompress.h"

#include <map>
#include <utility>

#include "base/error.h"
#include "ocilayout/bounds.h"
#include "ocilayout/decompress.h"
#include "ocilayout/gzip.h"
#include "ocilayout/image.h"
#include "ocilayout/unnamed_file.h"

namespace smith::ocilayout {

namespace {

/// A compressed layer in a file of its own.
struct Compressed {
    Descriptor descriptor;
    SharedFd file;
};

Compressed compress(ImageSource& source, const Descriptor& layer, unsigned jobs) {
    UniqueFd file = unnamed_file();
    GzipWriter gzip(jobs, [&](std::span<const std::byte> bytes) { write_all(file.get(), bytes); });
    const std::unique_ptr<ByteSource> tar = decompressed(source.open_blob(layer));
    copy_to(*tar, [&](std::span<const std::byte> bytes) { gzip.write(bytes); });
    const GzipWriter::Result result = gzip.finish();
    Compressed out;
    out.descriptor.media_type = media_type::kLayerGzip;
    out.descriptor.digest = result.output;
    out.descriptor.size = result.output_size;
    out.file = std::make_shared<const UniqueFd>(std::move(file));
    return out;
}

class RecompressedSource : public ImageSource {
public:
    RecompressedSource(ImageSource& inner, unsigned jobs) : inner_(inner) {
        const RawManifest top = inner.manifest();
        const ParsedManifest manifest = parse_manifest(top.bytes, top.descriptor.media_type);
        std::vector<Descriptor> layers;
        for (const Descriptor& layer : manifest.layers) {
            Compressed compressed = compress(inner, layer, jobs);
            layers.push_back(compressed.descriptor);
            files_.insert_or_assign(compressed.descriptor.digest, std::move(compressed.file));
        }
        made_.bytes = make_manifest_text(manifest.config, layers);
        made_.descriptor = describe(media_type::kManifest, made_.bytes);
    }

    RawManifest manifest() override { return made_; }
    std::string tag() override { return inner_.tag(); }
    std::optional<RawManifest> find_tag(const std::string& /*tag*/) override { return std::nullopt; }
    std::string read_manifest(const Descriptor& descriptor) override { return inner_.read_manifest(descriptor); }
    std::unique_ptr<ByteSource> open_blob(const Descriptor& descriptor) override {
        const auto found = files_.find(descriptor.digest);
        if (found == files_.end()) return inner_.open_blob(descriptor);
        return verifying_source(file_source(found->second, 0, descriptor.size), descriptor.digest, descriptor.size);
    }
    ReferrerList referrers(const Descriptor& /*subject*/) override { return {}; }

private:
    ImageSource& inner_;
    std::map<Digest, SharedFd> files_;
    RawManifest made_;
};

}  // namespace

std::unique_ptr<ImageSource> recompressed_source(ImageSource& source, unsigned jobs) {
    return std::make_unique<RecompressedSource>(source, jobs);
}

}  // namespace smith::ocilayout
