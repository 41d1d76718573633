// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/read_image.h"

#include <utility>

#include "base/error.h"
#include "ocilayout/bounds.h"
#include "ocilayout/find_image.h"
#include "ocilayout/read_layers.h"

namespace smith::ocilayout {

namespace {

std::string doing(const Reference& source) { return "reading image " + quote(to_string(source)); }

std::vector<Layer> layers_of(const ParsedManifest& manifest, const ParsedConfig& config) {
    if (manifest.layers.size() != config.diff_ids.size()) {
        throw Error(ErrorKind::format, "the manifest has " + std::to_string(manifest.layers.size()) +
                                           " layers, the configuration " + std::to_string(config.diff_ids.size()));
    }
    std::vector<Layer> out;
    for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
        const Descriptor& layer = manifest.layers[i];
        if (!is_layer_type(layer.media_type)) {
            throw Error(ErrorKind::format, "layer " + std::to_string(i + 1) + " is of type " + quote(layer.media_type) +
                                               ", which is no file system");
        }
        if (layer.size > limits::kMaxLayerBytes) {
            throw Error(ErrorKind::format, "layer " + std::to_string(i + 1) + " is said to have " +
                                               std::to_string(layer.size) + " bytes, more than the " +
                                               std::to_string(limits::kMaxLayerBytes) + " allowed");
        }
        out.push_back({config.diff_ids[i], layer.digest, layer.size, layer.media_type});
    }
    return out;
}

void read_config(ImageSource& source, const ParsedManifest& manifest, ImageHead& head) {
    const std::string& type = manifest.config.media_type;
    if (type != media_type::kConfig && type != media_type::kDockerConfig) {
        throw Error(ErrorKind::format, "its configuration is of type " + quote(type) + ", so it is no image");
    }
    head.config_text = read_blob(source, manifest.config, limits::kMaxConfigBytes);
    ParsedConfig config =
        while_doing([] { return "image configuration"; }, [&] { return parse_image_config(head.config_text); });
    head.layers = layers_of(manifest, config);
    head.config = std::move(config.config);
}

/// The artifacts of an image, within a bound on all of them together. Anybody who may push to a repository can hang
/// something on an image there: what can't be had, or is too much, is told, and the image is read without it.
class ArtifactReader {
public:
    ArtifactReader(ImageSource& source, ImageHead& head) : source_(source), head_(head) {}

    void read_all() {
        ReferrerList referrers = source_.referrers(head_.manifest_desc);
        for (std::string& warning : referrers.warnings) head_.warnings.push_back(std::move(warning));
        for (const Descriptor& referrer : referrers.manifests) {
            try {
                read_artifact(referrer);
            } catch (const MissingError& e) {
                ignore(referrer, e.message());
            }
        }
        for (const Descriptor& blob : source_.blobs_beside()) {
            add({blob.media_type, blob.media_type, {}, blob.annotations}, blob);
        }
    }

private:
    void read_artifact(const Descriptor& entry) {
        if (!is_manifest_type(entry.media_type)) return;
        const ParsedManifest manifest = parse_manifest(source_.read_manifest(entry), entry.media_type);
        // A tool that edits an image and keeps its annotations leaves the artifacts of another image behind; and a
        // registry may list what it likes.
        if (!manifest.subject || manifest.subject->digest != head_.manifest_desc.digest) {
            return ignore(entry, "it belongs to another image");
        }
        const std::string& type = manifest.artifact_type.empty() ? manifest.config.media_type : manifest.artifact_type;
        for (const Descriptor& blob : manifest.layers) {
            add({type, blob.media_type, {}, manifest.annotations}, blob);
        }
    }

    void add(Artifact artifact, const Descriptor& blob) {
        if (blob.size > limits::kMaxArtifactBytes - total_ || head_.artifacts.size() >= limits::kMaxArtifacts) {
            return ignore(blob, "there are more than " + std::to_string(limits::kMaxArtifacts) + " on the image, or " +
                                    std::to_string(limits::kMaxArtifactBytes) + " bytes in all");
        }
        artifact.bytes = read_blob(source_, blob, limits::kMaxArtifactBytes - total_);
        total_ += artifact.bytes.size();
        head_.artifacts.push_back(std::move(artifact));
    }

    void ignore(const Descriptor& what, const std::string& why) {
        head_.warnings.push_back("artifact " + what.digest.str() + ": " + why + ", ignoring");
    }

    ImageSource& source_;
    ImageHead& head_;
    std::uint64_t total_ = 0;
};

ImageHead read_head(ImageSource& source, const ReadOptions& options) {
    ImageHead head;
    head.tag = source.tag();
    RawManifest found = options.pinned ? RawManifest{*options.pinned, source.read_manifest(*options.pinned)}
                                       : resolve_to_manifest(source, source.manifest(), options.platform);
    head.manifest_desc = std::move(found.descriptor);
    head.manifest = std::move(found.bytes);
    while_doing([&] { return "manifest " + head.manifest_desc.digest.str(); },
                [&] {
                    ParsedManifest manifest = parse_manifest(head.manifest, head.manifest_desc.media_type);
                    read_config(source, manifest, head);
                    head.annotations = std::move(manifest.annotations);
                });
    if (options.artifacts) ArtifactReader(source, head).read_all();
    return head;
}

}  // namespace

ImageHead load_image_head(ImageSource& source, const ReadOptions& options) { return read_head(source, options); }

ImageHead load_image_head(const Reference& source, const ReadOptions& options) {
    return while_doing([&] { return doing(source); },
                       [&] { return read_head(*open_image_source(source, options.transport), options); });
}

LoadedImage load_image(ImageSource& source, const ContentStore& store, Reporter& reporter, const ReadOptions& options) {
    LoadedImage out;
    out.head = read_head(source, options);
    const auto open = [&source](const Descriptor& blob) { return source.open_blob(blob); };
    StackedLayers stacked =
        read_layers(out.head.layers, open, store, {options.transport.jobs, options.reread}, reporter);
    out.tree = std::move(stacked.tree);
    out.contents = std::move(stacked.contents);
    out.owner = stacked.owner;
    out.warnings = std::move(stacked.warnings);
    for (const std::string& warning : out.warnings) reporter.warn(warning);
    for (const std::string& warning : out.head.warnings) reporter.warn(warning);
    return out;
}

LoadedImage load_image(const Reference& source, const ContentStore& store, Reporter& reporter,
                       const ReadOptions& options) {
    return while_doing([&] { return doing(source); },
                       [&] {
                           const std::unique_ptr<ImageSource> opened = open_image_source(source, options.transport);
                           return load_image(*opened, store, reporter, options);
                       });
}

}  // namespace smith::ocilayout
