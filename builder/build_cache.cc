// SPDX-License-Identifier: Apache-2.0
#include "builder/build_cache.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/atomic_file.h"
#include "base/build_id.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "base/json.h"
#include "base/key_hasher.h"
#include "builder/spec_json.h"
#include "ocilayout/gzip.h"
#include "ocilayout/layer.h"
#include "ocilayout/layer_cache.h"
#include "resolver/sealed_file.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Raised with every change of what a record says.
constexpr std::string_view kFormat = "smith build 1";

/// The lock less what a build adds once it is done.
std::string decisions_of(resolver::Lock lock) {
    lock.compressor.clear();
    lock.image.reset();
    lock.ships.clear();
    return resolver::print_lock(lock);
}

fs::path record_path(const fs::path& cache_dir, const Digest& key) {
    return cache_dir / "builds" / (key.hex() + ".json");
}

json to_json(const KnownBuild& build, const Digest& layer) {
    json artifacts = json::array();
    for (const ocilayout::Artifact& artifact : build.image.artifacts) {
        artifacts.push_back(
            {{"artifactType", artifact.artifact_type}, {"mediaType", artifact.media_type}, {"bytes", artifact.bytes}});
    }
    const BuildResult& result = build.result;
    return {{"layer", layer.str()},
            {"config", build.image.image.config},
            {"manifest", build.image.image.manifest},
            {"artifacts", std::move(artifacts)},
            {"ships", build.ships},
            {"filesSize", result.files_size},
            {"entries", result.entries},
            {"packages", result.packages},
            {"packagesShipped", result.packages_shipped},
            {"bytesSpared", result.bytes_spared}};
}

/// Descriptors and the result's digests follow from the bytes.
KnownBuild from_json(const json& record, ocilayout::StoredLayer layer) {
    KnownBuild out;
    ocilayout::Image& image = out.image.image;
    record.at("config").get_to(image.config);
    record.at("manifest").get_to(image.manifest);
    image.config_desc = ocilayout::describe(ocilayout::media_type::kConfig, image.config);
    image.manifest_desc = ocilayout::describe(ocilayout::media_type::kManifest, image.manifest);
    image.manifest_desc.platform = ocilayout::parse_image_config(image.config).config.platform;
    image.layers = {layer.layer};
    for (const json& artifact : record.at("artifacts")) {
        out.image.artifacts.push_back({artifact.at("artifactType").get<std::string>(),
                                       artifact.at("mediaType").get<std::string>(),
                                       artifact.at("bytes").get<std::string>(),
                                       {}});
    }
    record.at("ships").get_to(out.ships);

    BuildResult& result = out.result;
    result.manifest = image.manifest_desc.digest;
    result.diff_id = layer.layer.diff_id;
    result.layer = layer.layer.digest;
    result.layer_size = layer.layer.size;
    record.at("filesSize").get_to(result.files_size);
    record.at("entries").get_to(result.entries);
    record.at("packages").get_to(result.packages);
    record.at("packagesShipped").get_to(result.packages_shipped);
    record.at("bytesSpared").get_to(result.bytes_spared);
    out.image.layers = {std::move(layer)};
    return out;
}

/// Whether manifest and configuration mean this layer: else somebody put another one in the place of the one that they
/// were made with.
bool fits(const KnownBuild& build) {
    if (ocilayout::parse_image_config(build.image.image.config).diff_ids != std::vector{build.result.diff_id})
        return false;
    const ocilayout::ParsedManifest manifest =
        ocilayout::parse_manifest(build.image.image.manifest, ocilayout::media_type::kManifest);
    return manifest.config.digest == build.image.image.config_desc.digest && manifest.layers.size() == 1 &&
           manifest.layers.front().digest == build.result.layer;
}

}  // namespace

std::optional<Digest> build_key(const BuildInputs& inputs) {
    const Spec& spec = inputs.project.spec;
    if (spec.type != SourceType::packages || spec.parent) return std::nullopt;
    if (!std::ranges::all_of(inputs.lock.packages, [](const auto& package) { return package.header.has_value(); })) {
        return std::nullopt;
    }
    const std::string program = build_id();
    if (program.empty()) return std::nullopt;
    KeyHasher key;
    key.add(kFormat);
    key.add(program);
    key.add(ocilayout::compressor_id());
    key.add(canonical_json(spec));
    key.add(inputs.project.arch);
    key.add(decisions_of(inputs.lock));
    key.add(ocilayout::layer_key(inputs.overlay, {}).hex());
    key.add(inputs.created ? std::to_string(*inputs.created) : "");
    key.add_list(inputs.signers);
    return key.finish();
}

std::optional<KnownBuild> BuildCache::find(const Digest& key) const {
    const std::optional<std::string> text = resolver::read_sealed(record_path(cache_dir_, key));
    if (!text) return std::nullopt;
    try {
        const json record = parse_json(*text);
        const Digest layer = Digest::parse(record.at("layer").get<std::string>());
        std::optional<ocilayout::StoredLayer> stored = ocilayout::LayerCache(cache_dir_ / "layers").find(layer);
        if (!stored) return std::nullopt;
        KnownBuild known = from_json(record, std::move(*stored));
        if (!fits(known)) return std::nullopt;
        return known;
    } catch (const std::exception&) {
        return std::nullopt;  // Sealed, but not by this version of smith.
    }
}

void BuildCache::store(const Digest& key, const KnownBuild& build, const Digest& layer) const {
    const fs::path path = record_path(cache_dir_, key);
    try {
        make_cache_directory(path.parent_path());
        AtomicFile file(path);
        file.write(as_bytes(dump_json(to_json(build, layer))));
        resolver::commit_sealed(file);
    } catch (const Error& e) {
        if (!e.is_not_found()) throw;  // else the cache was deleted meanwhile
    }
}

}  // namespace smith::builder
