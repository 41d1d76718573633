// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/docker_types.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/image.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

constexpr std::pair<std::string_view, std::string_view> kLayerTypes[] = {
    {media_type::kLayerTar, media_type::kDockerLayerTar},
    {media_type::kLayerGzip, media_type::kDockerLayerGzip},
    {media_type::kDockerLayerTar, media_type::kDockerLayerTar},
    {media_type::kDockerLayerGzip, media_type::kDockerLayerGzip},
};

std::string_view docker_layer_type(std::string_view type) {
    for (const auto& [ours, dockers] : kLayerTypes) {
        if (type == ours) return dockers;
    }
    throw Error(ErrorKind::usage, "docker's schema 2 has no word for a layer of type " + quote(type));
}

/// Schema 2 knows these three fields of a descriptor.
json entry(std::string_view type, const Descriptor& descriptor) {
    return {{"mediaType", type}, {"size", descriptor.size}, {"digest", descriptor.digest.str()}};
}

RawManifest renamed_as(std::string_view type, const json& document, Descriptor descriptor) {
    RawManifest out;
    out.bytes = dump_json(document);
    const Descriptor fresh = describe(type, out.bytes);
    descriptor.media_type = fresh.media_type;
    descriptor.digest = fresh.digest;
    descriptor.size = fresh.size;
    out.descriptor = std::move(descriptor);
    return out;
}

}  // namespace

RawManifest in_docker_types(const RawManifest& manifest) {
    const ParsedManifest parsed = parse_manifest(manifest.bytes, manifest.descriptor.media_type);
    if (parsed.media_type == media_type::kDockerManifest) return manifest;
    if (parsed.config.media_type != media_type::kConfig || parsed.subject || !parsed.artifact_type.empty()) {
        throw Error(ErrorKind::usage, "docker's schema 2 has no word for an artifact such as " +
                                          manifest.descriptor.digest.str() + "; it holds images only");
    }
    json layers = json::array();
    for (const Descriptor& layer : parsed.layers) layers.push_back(entry(docker_layer_type(layer.media_type), layer));
    return renamed_as(media_type::kDockerManifest,
                      {{"schemaVersion", 2},
                       {"mediaType", media_type::kDockerManifest},
                       {"config", entry(media_type::kDockerConfig, parsed.config)},
                       {"layers", std::move(layers)}},
                      manifest.descriptor);
}

void refuse_docker_types() {
    throw Error(ErrorKind::usage, "an OCI layout holds documents of OCI's types; leave out --docker");
}

RawManifest index_in_docker_types(const RawManifest& index, const std::map<Digest, Descriptor>& renamed) {
    json manifests = json::array();
    for (const Descriptor& child : parse_index(index.bytes, index.descriptor.media_type).manifests) {
        const auto now = renamed.find(child.digest);
        if (now == renamed.end() || is_index_type(now->second.media_type) || !child.platform) {
            throw Error(ErrorKind::usage, "docker's manifest lists hold images for platforms, and " +
                                              child.digest.str() + " is something else");
        }
        json one = entry(now->second.media_type, now->second);
        one["platform"] = {{"os", child.platform->os}, {"architecture", child.platform->architecture}};
        if (!child.platform->variant.empty()) one["platform"]["variant"] = child.platform->variant;
        manifests.push_back(std::move(one));
    }
    return renamed_as(
        media_type::kDockerIndex,
        {{"schemaVersion", 2}, {"mediaType", media_type::kDockerIndex}, {"manifests", std::move(manifests)}},
        index.descriptor);
}

}  // namespace smith::ocilayout
