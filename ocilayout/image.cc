// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/image.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/bounds.h"
#include "ocilayout/json_fields.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

// manifest.md, "Guidance for an Empty Descriptor": the configuration of what needs none.
constexpr std::string_view kEmptyJson = "{}";

/// Go's way to write a set of strings.
json to_json(const std::set<std::string>& set) {
    json out = json::object();
    for (const std::string& key : set) out[key] = json::object();
    return out;
}

json to_json(const Healthcheck& check) {
    json out = json::object();
    if (!check.test.empty()) out["Test"] = check.test;
    if (check.interval_ns != 0) out["Interval"] = check.interval_ns;
    if (check.timeout_ns != 0) out["Timeout"] = check.timeout_ns;
    if (check.start_period_ns != 0) out["StartPeriod"] = check.start_period_ns;
    if (check.start_interval_ns != 0) out["StartInterval"] = check.start_interval_ns;
    if (check.retries != 0) out["Retries"] = check.retries;
    return out;
}

/// The object that config.md calls "config": what a container is started with.
json execution_parameters(const ImageConfig& config) {
    json out = json::object();
    if (!config.user.empty()) out["User"] = config.user;
    if (!config.exposed_ports.empty()) out["ExposedPorts"] = to_json(config.exposed_ports);
    if (!config.env.empty()) out["Env"] = config.env;
    if (!config.entrypoint.empty()) out["Entrypoint"] = config.entrypoint;
    if (!config.cmd.empty()) out["Cmd"] = config.cmd;
    if (!config.volumes.empty()) out["Volumes"] = to_json(config.volumes);
    if (!config.working_dir.empty()) out["WorkingDir"] = config.working_dir;
    if (!config.labels.empty()) out["Labels"] = config.labels;
    if (!config.stop_signal.empty()) out["StopSignal"] = config.stop_signal;
    if (config.healthcheck) out["Healthcheck"] = to_json(*config.healthcheck);
    return out;
}

std::optional<Healthcheck> parse_healthcheck(const json& parameters) {
    const json* value = find_field(parameters, "Healthcheck");
    if (value == nullptr) return std::nullopt;
    Healthcheck out;
    out.test = string_list(*value, "Test");
    out.interval_ns = optional_integer(*value, "Interval");
    out.timeout_ns = optional_integer(*value, "Timeout");
    out.start_period_ns = optional_integer(*value, "StartPeriod");
    out.start_interval_ns = optional_integer(*value, "StartInterval");
    out.retries = optional_integer(*value, "Retries");
    return out;
}

void parse_execution_parameters(const json& parameters, ImageConfig& config) {
    config.user = optional_string(parameters, "User");
    config.exposed_ports = key_set(parameters, "ExposedPorts");
    config.env = string_list(parameters, "Env");
    config.entrypoint = string_list(parameters, "Entrypoint");
    config.cmd = string_list(parameters, "Cmd");
    config.volumes = key_set(parameters, "Volumes");
    config.working_dir = optional_string(parameters, "WorkingDir");
    config.labels = string_map(parameters, "Labels");
    config.stop_signal = optional_string(parameters, "StopSignal");
    config.healthcheck = parse_healthcheck(parameters);
}

Descriptor descriptor_of(const Layer& layer) {
    Descriptor out;
    out.media_type = layer.media_type;
    out.digest = layer.digest;
    out.size = layer.size;
    return out;
}

/// A manifest and an index differ by one field's name. A document with both is read as one thing by one program and as
/// the other by the next, under the same digest (CVE-2021-41190).
void check_kind(const json& document, std::string_view promised, const char* has_not) {
    const std::string says = optional_string(document, "mediaType");
    if (!says.empty() && says != promised) {
        throw Error(ErrorKind::format, "its mediaType is " + quote(says) + ", expected " + quote(promised));
    }
    if (find_field(document, has_not) != nullptr) {
        throw Error(ErrorKind::format,
                    "it has the field " + quote(has_not) + ", which no " + quote(promised) + " may have");
    }
    const json* version = find_field(document, "schemaVersion");
    if (version == nullptr || !version->is_number_integer() || *version != 2) {
        throw Error(ErrorKind::format, "its schemaVersion is not 2");
    }
}

std::vector<Descriptor> descriptor_list(const json& document, const char* name, std::size_t max) {
    const json* list = find_field(document, name);
    if (list == nullptr || !list->is_array()) {
        throw Error(ErrorKind::format, std::string("field ") + quote(name) + " is missing, or not a list");
    }
    if (list->size() > max) {
        throw Error(ErrorKind::format, std::string("field ") + quote(name) + " has " + std::to_string(list->size()) +
                                           " items, more than " + std::to_string(max));
    }
    std::vector<Descriptor> out;
    for (const json& item : *list) out.push_back(parse_descriptor(item));
    return out;
}

/// The manifest that carries one artifact.
SmallBlob artifact_manifest(const Descriptor& subject, const Artifact& artifact, const Descriptor& blob) {
    Descriptor plain_subject;
    plain_subject.media_type = subject.media_type;
    plain_subject.digest = subject.digest;
    plain_subject.size = subject.size;
    json manifest{{"schemaVersion", 2},
                  {"mediaType", media_type::kManifest},
                  {"artifactType", artifact.artifact_type},
                  {"config", to_json(describe(media_type::kEmpty, kEmptyJson))},
                  {"layers", json::array({to_json(blob)})},
                  {"subject", to_json(plain_subject)}};
    if (!artifact.annotations.empty()) manifest["annotations"] = artifact.annotations;
    std::string text = dump_json(manifest);
    Descriptor descriptor = describe(media_type::kManifest, text);
    descriptor.artifact_type = artifact.artifact_type;
    // Repeated on the descriptor, as distribution-spec wants of the referrers API.
    descriptor.annotations = artifact.annotations;
    return {std::move(descriptor), std::move(text)};
}

}  // namespace

std::string to_json_text(const ImageConfig& config, std::span<const Layer> layers) {
    json diff_ids = json::array();
    for (const Layer& layer : layers) diff_ids.push_back(layer.diff_id.str());
    json out{{"architecture", config.platform.architecture},
             {"os", config.platform.os},
             {"config", execution_parameters(config)},
             {"rootfs", {{"type", "layers"}, {"diff_ids", diff_ids}}}};
    if (!config.platform.variant.empty()) out["variant"] = config.platform.variant;
    if (config.created) out["created"] = *config.created;
    if (!config.author.empty()) out["author"] = config.author;
    return dump_json(out);
}

std::string make_manifest_text(const Descriptor& config, std::span<const Descriptor> layers,
                               const Annotations& annotations) {
    json layer_list = json::array();
    for (const Descriptor& layer : layers) layer_list.push_back(to_json(layer));
    json manifest{{"schemaVersion", 2},
                  {"mediaType", media_type::kManifest},
                  {"config", to_json(config)},
                  {"layers", std::move(layer_list)}};
    if (!annotations.empty()) manifest["annotations"] = annotations;
    return dump_json(manifest);
}

Image make_image(const ImageConfig& config, std::span<const Layer> layers, const Annotations& annotations) {
    Image out;
    out.layers.assign(layers.begin(), layers.end());
    out.config = to_json_text(config, layers);
    out.config_desc = describe(media_type::kConfig, out.config);

    std::vector<Descriptor> descriptors;
    for (const Layer& layer : layers) descriptors.push_back(descriptor_of(layer));
    out.manifest = make_manifest_text(out.config_desc, descriptors, annotations);
    out.manifest_desc = describe(media_type::kManifest, out.manifest);
    out.manifest_desc.platform = config.platform;
    return out;
}

ParsedConfig parse_image_config(std::string_view text) {
    const json document = parse_json(text);
    ParsedConfig out;
    out.config.platform = {string_field(document, "os"), string_field(document, "architecture"),
                           optional_string(document, "variant")};
    if (const std::string created = optional_string(document, "created"); !created.empty()) {
        out.config.created = created;
    }
    out.config.author = optional_string(document, "author");
    if (const json* parameters = find_field(document, "config")) parse_execution_parameters(*parameters, out.config);

    const json* rootfs = find_field(document, "rootfs");
    if (rootfs == nullptr || string_field(*rootfs, "type") != "layers") {
        throw Error(ErrorKind::format, "its rootfs is missing, or not of type 'layers'");
    }
    const std::vector<std::string> diff_ids = string_list(*rootfs, "diff_ids");
    for (const std::string& diff_id : diff_ids) out.diff_ids.push_back(Digest::parse(diff_id));
    return out;
}

ParsedManifest parse_manifest(std::string_view text, std::string_view media_type) {
    const json document = parse_json(text);
    check_kind(document, media_type, "manifests");
    ParsedManifest out;
    out.media_type = media_type;
    const json* config = find_field(document, "config");
    if (config == nullptr) throw Error(ErrorKind::format, "field 'config' is missing");
    out.config = parse_descriptor(*config);
    out.layers = descriptor_list(document, "layers", limits::kMaxLayers);
    out.artifact_type = optional_string(document, "artifactType");
    if (const json* subject = find_field(document, "subject")) out.subject = parse_descriptor(*subject);
    out.annotations = parse_annotations(document);
    return out;
}

ParsedIndex parse_index(std::string_view text, std::string_view media_type) {
    const json document = parse_json(text);
    check_kind(document, media_type, "layers");
    if (find_field(document, "config") != nullptr) {
        throw Error(ErrorKind::format, "it has the field 'config', which no image index may have");
    }
    ParsedIndex out;
    out.media_type = media_type;
    out.manifests = descriptor_list(document, "manifests", limits::kMaxIndexEntries);
    out.annotations = parse_annotations(document);
    return out;
}

std::string guess_manifest_type(std::string_view text) {
    const json document = parse_json(text);
    const std::string says = optional_string(document, "mediaType");
    if (is_manifest_type(says) || is_index_type(says)) return says;
    if (!says.empty()) throw Error(ErrorKind::format, "it is of type " + quote(says) + ", which is no image");
    if (find_field(document, "manifests") != nullptr) return std::string(media_type::kIndex);
    const json* config = find_field(document, "config");
    if (config == nullptr) throw Error(ErrorKind::format, "it is neither a manifest nor an index");
    // Docker's always say what they are.
    return std::string(media_type::kManifest);
}

std::string to_json_text(const ParsedIndex& index) {
    json manifests = json::array();
    for (const Descriptor& manifest : index.manifests) manifests.push_back(to_json(manifest));
    json out{{"schemaVersion", 2}, {"mediaType", media_type::kIndex}, {"manifests", manifests}};
    if (!index.annotations.empty()) out["annotations"] = index.annotations;
    return dump_json(out);
}

Referrers make_referrers(const Descriptor& subject, std::span<const Artifact> artifacts) {
    if (artifacts.empty()) return {};
    // One blob may be several things: a spec may be as empty as the empty configuration.
    std::map<Digest, SmallBlob> blobs;
    std::map<Digest, SmallBlob> manifests;
    const auto add = [](std::map<Digest, SmallBlob>& to, SmallBlob blob) {
        const Digest digest = blob.descriptor.digest;
        to.try_emplace(digest, std::move(blob));
    };
    add(blobs, {describe(media_type::kEmpty, kEmptyJson), std::string(kEmptyJson)});
    for (const Artifact& artifact : artifacts) {
        const Descriptor blob = describe(artifact.media_type, artifact.bytes);
        add(manifests, artifact_manifest(subject, artifact, blob));
        add(blobs, {blob, artifact.bytes});
    }
    Referrers out;
    for (auto& [digest, blob] : blobs) out.blobs.push_back(std::move(blob));
    for (auto& [digest, blob] : manifests) out.manifests.push_back(std::move(blob));
    return out;
}

SmallBlob make_referrer_index(std::vector<Descriptor> referrers) {
    std::ranges::sort(referrers, {}, [](const Descriptor& d) { return std::tie(d.artifact_type, d.digest); });
    ParsedIndex index;
    index.manifests = std::move(referrers);
    std::string text = to_json_text(index);
    Descriptor descriptor = describe(media_type::kIndex, text);
    return {std::move(descriptor), std::move(text)};
}

}  // namespace smith::ocilayout
