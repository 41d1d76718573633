// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/docker_archive.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/image_path.h"
#include "base/json.h"
#include "ocilayout/bounds.h"
#include "ocilayout/decompress.h"
#include "ocilayout/image.h"
#include "ocilayout/json_fields.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

constexpr std::string_view kManifestFile = "manifest.json";

/// The name of a file in the archive, as ImageFiles has it. Throws Error (format) for "..".
std::string member_name(std::string_view name) { return std::string(ImagePath::parse(name).relative()); }

std::string listed(const std::vector<DockerImage>& images) {
    std::string out;
    for (const DockerImage& image : images) {
        for (const std::string& tag : image.tags) out += (out.empty() ? "" : ", ") + quote(tag);
    }
    return out.empty() ? "none" : out;
}

/// docker wrote names as short as they were; others write them whole.
bool is_named(const DockerImage& image, const std::string& wanted) {
    return std::ranges::any_of(image.tags, [&](const std::string& tag) {
        try {
            return docker_name(tag) == wanted;
        } catch (const Error&) {
            return false;
        }
    });
}

const DockerImage& image_number(const std::vector<DockerImage>& images, std::string_view text) {
    std::size_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || end != text.data() + text.size()) {
        throw Error(ErrorKind::usage, quote(text) + " is not the number of an image");
    }
    if (number < images.size()) return images[number];
    throw Error(ErrorKind::usage, "there is no image number " + std::to_string(number) + "; there are " +
                                      std::to_string(images.size()) + ", counted from 0");
}

const DockerImage& choose_image(const std::vector<DockerImage>& images, const std::string& tag) {
    if (tag.starts_with('@')) return image_number(images, std::string_view(tag).substr(1));
    if (tag.empty()) {
        if (images.size() == 1) return images.front();
        throw Error(ErrorKind::usage, "there are " + std::to_string(images.size()) + " images in it; name one of " +
                                          listed(images) + ", or write :@ and its number, counted from 0");
    }
    const std::string wanted = docker_name(tag);
    for (const DockerImage& image : images) {
        if (is_named(image, wanted)) return image;
    }
    throw Error(ErrorKind::usage, "no image is named " + quote(wanted) + "; there are: " + listed(images));
}

std::unique_ptr<ByteSource> open_member(const ImageFiles& files, std::string_view name) {
    std::unique_ptr<ByteSource> source = files.open(member_name(name));
    if (!source) throw Error(ErrorKind::format, "it has no file " + quote(name));
    return source;
}

std::vector<DockerImage> read_images(const ImageFiles& files) {
    return while_doing([] { return quote(kManifestFile); },
                       [&] {
                           const auto source = open_member(files, kManifestFile);
                           return parse_docker_manifest(read_all(*source, limits::kMaxManifestBytes));
                       });
}

class DockerArchiveSource : public ImageSource {
public:
    DockerArchiveSource(std::unique_ptr<ImageFiles> files, const Reference& reference) : files_(std::move(files)) {
        images_ = read_images(*files_);
        chosen_ = choose_image(images_, reference.tag);
        made_ = make_manifest(chosen_);
    }

    RawManifest manifest() override { return made_; }
    std::string tag() override { return chosen_.tags.empty() ? "" : chosen_.tags.front(); }
    std::optional<RawManifest> find_tag(const std::string& tag) override {
        for (const DockerImage& image : images_) {
            if (std::ranges::find(image.tags, tag) != image.tags.end()) return make_manifest(image);
        }
        return std::nullopt;
    }

    std::string read_manifest(const Descriptor& descriptor) override {
        // Whoever has pinned the image asks once more for what was made of it.
        if (descriptor.digest == made_.descriptor.digest) return made_.bytes;
        throw MissingError("manifest " + descriptor.digest.str() + " is of another image than the archive holds");
    }
    std::unique_ptr<ByteSource> open_blob(const Descriptor& descriptor) override {
        const auto found = names_.find(descriptor.digest);
        if (found == names_.end()) {
            throw MissingError("blob " + descriptor.digest.str() + " is missing");
        }
        return verifying_source(open_member(*files_, found->second), descriptor.digest, descriptor.size);
    }
    ReferrerList referrers(const Descriptor& /*subject*/) override { return {}; }
    [[nodiscard]] bool makes_up_manifests() const override { return true; }

private:
    /// What the file's digest and size are, from reading all of it.
    Descriptor measure(const std::string& name) const {
        Descriptor out;
        const std::unique_ptr<ByteSource> source =
            hashing_source(open_member(*files_, name), [&out](const Digest& digest) { out.digest = digest; });
        copy_to(*source, [&out](std::span<const std::byte> bytes) { out.size += bytes.size(); });
        return out;
    }

    Descriptor describe_layer(const std::string& name, const Digest& diff_id) const {
        const auto size = files_->size(member_name(name));
        if (!size) throw Error(ErrorKind::format, "it has no file " + quote(name));
        Descriptor out;
        if (is_compressed(*open_member(*files_, name))) {
            // kaniko and jib compress their layers. The type says so; which compression it is, the bytes tell.
            out = measure(name);
            out.media_type = media_type::kLayerGzip;
        } else {
            // Nobody has to be believed: the digest is verified when the layer is read.
            out.digest = diff_id;
            out.size = *size;
            out.media_type = media_type::kLayerTar;
        }
        return out;
    }

    RawManifest make_manifest(const DockerImage& image) {
        return while_doing([&] { return "image " + quote(image.config); }, [&] { return make_manifest_of(image); });
    }
    RawManifest make_manifest_of(const DockerImage& image);

    std::unique_ptr<ImageFiles> files_;
    std::vector<DockerImage> images_;
    DockerImage chosen_;
    std::map<Digest, std::string> names_;  ///< which file a blob is
    RawManifest made_;
};

RawManifest DockerArchiveSource::make_manifest_of(const DockerImage& image) {
    const std::string text = read_all(*open_member(*files_, image.config), limits::kMaxConfigBytes);
    const std::vector<Digest> diff_ids = parse_image_config(text).diff_ids;
    if (diff_ids.size() != image.layers.size()) {
        throw Error(ErrorKind::format, "manifest.json has " + std::to_string(image.layers.size()) +
                                           " layers, the configuration " + std::to_string(diff_ids.size()));
    }
    const Descriptor config = describe(media_type::kConfig, text);
    names_[config.digest] = image.config;
    std::vector<Descriptor> layers;
    for (std::size_t i = 0; i < diff_ids.size(); ++i) {
        const Descriptor layer = describe_layer(image.layers[i], diff_ids[i]);
        names_[layer.digest] = image.layers[i];
        layers.push_back(layer);
    }
    RawManifest out;
    out.bytes = make_manifest_text(config, layers);
    out.descriptor = describe(media_type::kManifest, out.bytes);
    return out;
}

}  // namespace

std::vector<DockerImage> parse_docker_manifest(std::string_view text) {
    const json document = parse_json(text);
    if (!document.is_array() || document.empty()) throw Error(ErrorKind::format, "it is not a list of images");
    if (document.size() > limits::kMaxIndexEntries) {
        throw Error(ErrorKind::format, "it lists " + std::to_string(document.size()) + " images, more than " +
                                           std::to_string(limits::kMaxIndexEntries));
    }
    std::vector<DockerImage> out;
    for (const json& item : document) {
        DockerImage image;
        image.config = string_field(item, "Config");
        image.tags = string_list(item, "RepoTags");
        image.layers = string_list(item, "Layers");
        if (image.layers.size() > limits::kMaxLayers) {
            throw Error(ErrorKind::format, "an image has " + std::to_string(image.layers.size()) +
                                               " layers, more than " + std::to_string(limits::kMaxLayers));
        }
        out.push_back(std::move(image));
    }
    return out;
}

std::string to_json_text(const std::vector<DockerImage>& images) {
    json out = json::array();
    for (const DockerImage& image : images) {
        out.push_back({{"Config", image.config}, {"RepoTags", image.tags}, {"Layers", image.layers}});
    }
    return dump_json(out);
}

std::string docker_name(std::string_view name) {
    const auto refuse = [&] {
        throw Error(ErrorKind::usage,
                    quote(name) + " is not the name of an image, such as docker.io/library/nginx:1.27");
    };
    std::string out(name);
    const std::size_t slash = out.rfind('/');
    const std::size_t colon = out.find(':', slash == std::string::npos ? 0 : slash);
    const bool has_tag = colon != std::string::npos;
    if (out.empty() || out.find('@') != std::string::npos || colon == 0 || slash == 0 || out.back() == '/') refuse();
    if (has_tag && (colon + 1 == out.size() || out.find(':', colon + 1) != std::string::npos)) refuse();
    const std::string first = out.substr(0, out.find('/'));
    // A first part with a dot, a port or an upper-case letter is a host.
    const bool has_host =
        out.find('/') != std::string::npos && (first.find_first_of(".:") != std::string::npos || first == "localhost");
    if (!has_host) out = (out.find('/') == std::string::npos ? "docker.io/library/" : "docker.io/") + out;
    return has_tag ? out : out + ":latest";
}

std::unique_ptr<ImageSource> docker_archive_source(std::unique_ptr<ImageFiles> files, const Reference& reference) {
    return std::make_unique<DockerArchiveSource>(std::move(files), reference);
}

std::vector<std::string> docker_archive_tags(const ImageFiles& files) {
    std::vector<std::string> out;
    for (const DockerImage& image : read_images(files)) out.insert(out.end(), image.tags.begin(), image.tags.end());
    return out;
}

}  // namespace smith::ocilayout
