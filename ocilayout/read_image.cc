// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/read_image.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/bounds.h"
#include "ocilayout/decompress.h"
#include "ocilayout/find_image.h"
#include "ocilayout/image_files.h"
#include "ocilayout/json_fields.h"
#include "ocilayout/layer_stack.h"
#include "ocilayout/tar_reader.h"

namespace smith::ocilayout {

namespace {

std::string doing(const Reference& source) { return "reading image " + quote(to_string(source)); }

std::string read_layout_file(const ImageFiles& files, const std::string& name) {
    const std::unique_ptr<ByteSource> source = files.open(name);
    if (!source) throw Error(ErrorKind::usage, "it is not an OCI image: it has no " + quote(name));
    return while_doing([&] { return quote(name); }, [&] { return read_all(*source, limits::kMaxManifestBytes); });
}

void check_layout_version(const ImageFiles& files) {
    const std::string text = read_layout_file(files, "oci-layout");
    const std::string version = while_doing([] { return "'oci-layout'"; },
                                            [&] { return string_field(parse_json(text), "imageLayoutVersion"); });
    if (!version.starts_with("1.")) {
        throw Error(ErrorKind::format, "its layout version is " + quote(version) + ", expected '1.0.0'");
    }
}

bool is_layer_type(std::string_view type) {
    // Non-distributable layers are layers like others once their blob is there. What follows "tar" is the compression,
    // which the first bytes tell better.
    return type.starts_with(media_type::kLayerTar) || type == media_type::kDockerLayerGzip ||
           type == media_type::kDockerLayerTar || type == "application/vnd.docker.image.rootfs.diff.tar.zstd" ||
           type.starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar") ||
           type == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
}

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

void read_config(const ImageFiles& files, const ParsedManifest& manifest, ImageHead& head) {
    const std::string& type = manifest.config.media_type;
    if (type != media_type::kConfig && type != media_type::kDockerConfig) {
        throw Error(ErrorKind::format, "its configuration is of type " + quote(type) + ", so it is no image");
    }
    head.config_text = read_blob(files, manifest.config, limits::kMaxConfigBytes);
    ParsedConfig config =
        while_doing([] { return "image configuration"; }, [&] { return parse_image_config(head.config_text); });
    head.layers = layers_of(manifest, config);
    head.config = std::move(config.config);
}

/// The artifacts of an image that are within a bound on all of them together.
class ArtifactReader {
public:
    ArtifactReader(const ImageFiles& files, ImageHead& head) : files_(files), head_(head) {}

    /// What an entry of index.json by smith names: an image index of manifests with a subject. umoci's gc removes what
    /// it does not know, so that it may be gone.
    void read_referrers(const Digest& index_digest) {
        const std::optional<std::string> text = read_blob_if_there(files_, index_digest, limits::kMaxManifestBytes);
        if (!text) {
            head_.warnings.push_back("the index of attached artifacts " + index_digest.str() + " is missing, ignoring");
            return;
        }
        for (const Descriptor& entry : parse_index(*text, media_type::kIndex).manifests) read_artifact(entry);
    }

    /// Oracle's Smith put such blobs into index.json itself.
    void read_plain(const Descriptor& blob) {
        if (!files_.open(blob_name(blob.digest))) return;
        add({blob.media_type, blob.media_type, {}, blob.annotations}, blob);
    }

private:
    void read_artifact(const Descriptor& entry) {
        if (!is_manifest_type(entry.media_type)) return;
        const std::string text = read_blob(files_, entry, limits::kMaxManifestBytes);
        const ParsedManifest manifest = parse_manifest(text, entry.media_type);
        // A tool that edits an image and keeps its annotations leaves the artifacts of another image behind.
        if (!manifest.subject || manifest.subject->digest != head_.manifest_desc.digest) {
            head_.warnings.push_back("artifact " + entry.digest.str() + " belongs to another image, ignoring");
            return;
        }
        const std::string& type = manifest.artifact_type.empty() ? manifest.config.media_type : manifest.artifact_type;
        for (const Descriptor& blob : manifest.layers) {
            add({type, blob.media_type, {}, manifest.annotations}, blob);
        }
    }

    void add(Artifact artifact, const Descriptor& blob) {
        artifact.bytes = read_blob(files_, blob, limits::kMaxArtifactBytes - total_);
        total_ += artifact.bytes.size();
        if (head_.artifacts.size() >= limits::kMaxArtifacts) {
            throw Error(ErrorKind::format,
                        "more than " + std::to_string(limits::kMaxArtifacts) + " artifacts on one image");
        }
        head_.artifacts.push_back(std::move(artifact));
    }

    const ImageFiles& files_;
    ImageHead& head_;
    std::uint64_t total_ = 0;
};

void read_artifacts(const ImageFiles& files, const ParsedIndex& index, const Descriptor& entry, ImageHead& head) {
    ArtifactReader reader(files, head);
    if (const auto it = entry.annotations.find(std::string(annotation::kReferrers)); it != entry.annotations.end()) {
        reader.read_referrers(Digest::parse(it->second));
    }
    for (const Descriptor& other : index.manifests) {
        const bool is_plain = !is_manifest_type(other.media_type) && !is_index_type(other.media_type);
        if (is_plain && tag_of(other) == head.tag) reader.read_plain(other);
    }
}

ImageHead read_head(const ImageFiles& files, const Reference& source, const ReadOptions& options) {
    check_layout_version(files);
    const std::string index_text = read_layout_file(files, "index.json");
    const ParsedIndex index =
        while_doing([] { return "'index.json'"; }, [&] { return parse_index(index_text, media_type::kIndex); });
    const Descriptor entry = choose_entry(index, source.tag);
    ImageHead head;
    head.tag = tag_of(entry);
    head.manifest_desc = resolve_to_manifest(files, entry, options.platform);
    while_doing([&] { return "manifest " + head.manifest_desc.digest.str(); },
                [&] {
                    head.manifest = read_blob(files, head.manifest_desc, limits::kMaxManifestBytes);
                    ParsedManifest manifest = parse_manifest(head.manifest, head.manifest_desc.media_type);
                    read_config(files, manifest, head);
                    head.annotations = std::move(manifest.annotations);
                });
    read_artifacts(files, index, entry, head);
    return head;
}

/// Bounds what all layers together become.
class BudgetSource : public ByteSource {
public:
    BudgetSource(std::unique_ptr<ByteSource> inner, std::uint64_t& left) : inner_(std::move(inner)), left_(left) {}

    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t got = inner_->read(buffer);
        if (got > left_) {
            throw Error(ErrorKind::format,
                        "the layers hold more than the " + std::to_string(limits::kMaxImageBytes) + " bytes allowed");
        }
        left_ -= got;
        return got;
    }

private:
    std::unique_ptr<ByteSource> inner_;
    std::uint64_t& left_;
};

/// Damaged bytes fail in many ways. Where they are not those that the manifest means, that is what must be said.
template <typename Body>
auto blame_digest_first(const ImageFiles& files, const Descriptor& blob, Body&& body) -> decltype(body()) {
    try {
        return body();
    } catch (const Error&) {
        drain(*open_blob(files, blob));
        throw;
    }
}

/// Reads one layer into `stack`. Verifying and decompressing the blob, and the digest of what comes out, run on threads
/// of their own; here is parsed and stored.
std::shared_ptr<const Pack> apply_layer(const ImageFiles& files, const Layer& layer, const std::string& origin,
                                        const ContentStore& store, std::uint64_t& budget, LayerStack& stack) {
    Descriptor blob;
    blob.digest = layer.digest;
    blob.size = layer.size;
    Digest found;
    auto opened = std::make_unique<BudgetSource>(decompressed(open_blob(files, blob)), budget);
    const std::unique_ptr<ByteSource> tar_stream =
        read_ahead(hashing_source(read_ahead(std::move(opened)), [&found](const Digest& digest) { found = digest; }));
    PackWriter pack = store.write_pack(layer.digest);
    TarReader tar(*tar_stream);
    blame_digest_first(files, blob, [&] {
        stack.apply(tar, origin, pack);
        // The blob's own digest is verified at its end, which lies behind the end of the archive.
        drain(*tar_stream);
    });
    if (found != layer.diff_id) {
        throw Error(ErrorKind::integrity, "it does not match the diff_id in the configuration: expected " +
                                              layer.diff_id.str() + ", got " + found.str());
    }
    return pack.commit();
}

}  // namespace

ImageHead load_image_head(const Reference& source, const ReadOptions& options) {
    return while_doing([&] { return doing(source); },
                       [&] { return read_head(*open_image_files(source), source, options); });
}

LoadedImage load_image(const Reference& source, const ContentStore& store, Reporter& reporter,
                       const ReadOptions& options) {
    return while_doing(
        [&] { return doing(source); },
        [&] {
            const std::unique_ptr<ImageFiles> files = open_image_files(source);
            LoadedImage out;
            out.head = read_head(*files, source, options);
            auto contents = std::make_shared<PackedContents>();
            LayerStack stack;
            std::uint64_t budget = limits::kMaxImageBytes;
            for (std::size_t i = 0; i < out.head.layers.size(); ++i) {
                reporter.progress("unpacking", i, out.head.layers.size());
                const Layer& layer = out.head.layers[i];
                const std::string number = "layer " + std::to_string(i + 1);
                const std::string origin = number + " (" + layer.digest.str().substr(0, 7 + 12) + ")";
                contents->add(while_doing([&] { return number; },
                                          [&] { return apply_layer(*files, layer, origin, store, budget, stack); }));
            }
            reporter.progress("unpacking", out.head.layers.size(), out.head.layers.size());
            out.owner = stack.owner();
            out.warnings = stack.warnings();
            for (const std::string& warning : out.warnings) reporter.warn(warning);
            for (const std::string& warning : out.head.warnings) reporter.warn(warning);
            out.tree = stack.take_tree();
            out.contents = std::move(contents);
            return out;
        });
}

}  // namespace smith::ocilayout
