// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/signature.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "ocilayout/bounds.h"
#include "ocilayout/image.h"
#include "ocilayout/json_fields.h"
#include "ocilayout/sigstore_bundle.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

constexpr std::string_view kPayloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
constexpr std::string_view kArtifactType = "application/vnd.dev.cosign.artifact.sig.v1+json";
constexpr std::string_view kSignatureAnnotation = "dev.cosignproject.cosign/signature";
constexpr std::string_view kSignedType = "cosign container image signature";

/// What cosign gives its signatures for a configuration. Nothing in it is looked at.
std::string config_text(const std::vector<Descriptor>& layers) {
    json diff_ids = json::array();
    for (const Descriptor& layer : layers) diff_ids.push_back(layer.digest.str());
    return dump_json({{"architecture", ""},
                      {"config", json::object()},
                      {"created", "0001-01-01T00:00:00Z"},
                      {"history", json::array()},
                      {"os", ""},
                      {"rootfs", {{"type", "layers"}, {"diff_ids", std::move(diff_ids)}}}});
}

bool has_signatures(const ParsedManifest& manifest) {
    return std::ranges::any_of(manifest.layers, [](const Descriptor& layer) {
        return layer.media_type == kPayloadType || is_bundle_type(layer.media_type);
    });
}

/// cosign 3 gives its bundles an empty configuration, by whose type registries without artifactType list them.
bool may_have_signatures(const Descriptor& referrer) {
    const std::string& type = referrer.artifact_type;
    return type.empty() || type == kArtifactType || type == media_type::kEmpty || is_bundle_type(type);
}

void add(Signature signature, std::vector<Signature>& out) {
    if (std::ranges::find(out, signature) == out.end()) out.push_back(std::move(signature));
}

void add_bundle(const std::string& text, std::vector<Signature>& out) {
    SealedStatement sealed = parse_bundle(text);
    for (std::string& signature : sealed.signatures) {
        add({sealed.statement, std::move(signature), SignatureForm::bundle}, out);
    }
}

void add_signatures(ImageSource& source, const ParsedManifest& manifest, std::vector<Signature>& out) {
    for (const Descriptor& layer : manifest.layers) {
        const auto found = layer.annotations.find(std::string(kSignatureAnnotation));
        const bool is_bundle = is_bundle_type(layer.media_type);
        if (!is_bundle && (layer.media_type != kPayloadType || found == layer.annotations.end())) continue;
        if (out.size() > limits::kMaxSignatures) return;
        std::string text = read_blob(source, layer, limits::kMaxSignaturePayloadBytes);
        if (is_bundle) {
            add_bundle(text, out);
            continue;
        }
        Signature signature{std::move(text), {}};
        try {
            signature.signature = from_base64(found->second);
        } catch (const Error&) {
            // What is not base64 signs nothing.
        }
        add(std::move(signature), out);
    }
}

}  // namespace

std::string make_payload(const Digest& image, const std::string& name, const Annotations& annotations) {
    json optional;  // null when there are none, as Go writes it
    if (!annotations.empty()) optional = annotations;
    return dump_json({{"critical",
                       {{"identity", {{"docker-reference", name}}},
                        {"image", {{"docker-manifest-digest", image.str()}}},
                        {"type", kSignedType}}},
                      {"optional", std::move(optional)}});
}

Signature sign(const PrivateKey& key, const Digest& image, const std::string& name, const Annotations& annotations) {
    Signature out;
    out.payload = make_payload(image, name, annotations);
    out.signature = key.sign(out.payload);
    return out;
}

std::string problem_with(const Signature& signature, const PublicKey& key, const Digest& image) {
    const bool is_bundle = signature.form == SignatureForm::bundle;
    const std::string signed_bytes = is_bundle ? encode_for_signing(signature.payload) : signature.payload;
    if (!key.verify(signed_bytes, signature.signature)) return "it is not by this key";
    if (is_bundle) return problem_with_statement(signature.payload, image);
    try {
        const json document = parse_json(signature.payload);
        const json* critical = find_field(document, "critical");
        if (critical == nullptr) return "its payload has no 'critical'";
        const std::string type = string_field(*critical, "type");
        if (type != kSignedType) return "it signs " + quote(type) + ", which is no image";
        const json* signed_image = find_field(*critical, "image");
        if (signed_image == nullptr) return "its payload names no image";
        const std::string digest = string_field(*signed_image, "docker-manifest-digest");
        if (digest != image.str()) return "it is for another image: expected " + image.str() + ", got " + quote(digest);
    } catch (const Error& e) {
        return "its payload is malformed: " + e.message();
    }
    return {};
}

std::string signature_tag(const Digest& image) { return "sha256-" + image.hex() + ".sig"; }

FoundSignatures find_signatures(ImageSource& source, const Descriptor& image) {
    FoundSignatures out;
    const auto attempt = [&out](const Digest& digest, const auto& body) {
        try {
            body();
        } catch (const Error& e) {
            const bool is_gone = dynamic_cast<const MissingError*>(&e) != nullptr;
            if (!is_gone && e.kind() != ErrorKind::integrity && e.kind() != ErrorKind::format) throw;
            out.problems.push_back("signature " + digest.str() + ": " + e.message());
        }
        if (out.signatures.size() > limits::kMaxSignatures) {
            throw Error(ErrorKind::format,
                        "more than " + std::to_string(limits::kMaxSignatures) + " signatures on one image");
        }
    };
    if (const std::optional<RawManifest> tagged = source.find_tag(signature_tag(image.digest));
        tagged && is_manifest_type(tagged->descriptor.media_type)) {
        attempt(tagged->descriptor.digest, [&] {
            add_signatures(source, parse_manifest(tagged->bytes, tagged->descriptor.media_type), out.signatures);
        });
    }
    ReferrerList list = source.referrers(image);
    out.problems.insert(out.problems.end(), list.warnings.begin(), list.warnings.end());
    for (const Descriptor& referrer : list.manifests) {
        if (!is_manifest_type(referrer.media_type)) continue;
        if (!may_have_signatures(referrer)) continue;
        attempt(referrer.digest, [&] {
            const ParsedManifest manifest = parse_manifest(source.read_manifest(referrer), referrer.media_type);
            if (has_signatures(manifest)) add_signatures(source, manifest, out.signatures);
        });
    }
    return out;
}

SignatureImage make_signature_image(const std::vector<Signature>& signatures, const Descriptor* subject) {
    SignatureImage out;
    std::vector<Descriptor> layers;
    for (const Signature& signature : signatures) {
        Descriptor layer = describe(kPayloadType, signature.payload);
        out.blobs.push_back({layer, signature.payload});
        layer.annotations[std::string(kSignatureAnnotation)] = to_base64(signature.signature);
        layers.push_back(std::move(layer));
    }
    const std::string config = config_text(layers);
    // The referrer says what it is by the type of its configuration, which registries that know no artifactType list it
    // by (distribution-spec, "Listing Referrers").
    const Descriptor config_desc = describe(subject == nullptr ? media_type::kConfig : kArtifactType, config);
    out.blobs.push_back({config_desc, config});
    json layer_list = json::array();
    for (const Descriptor& layer : layers) layer_list.push_back(to_json(layer));
    json manifest{{"schemaVersion", 2},
                  {"mediaType", media_type::kManifest},
                  {"config", to_json(config_desc)},
                  {"layers", std::move(layer_list)}};
    if (subject != nullptr) {
        Descriptor plain;
        plain.media_type = subject->media_type;
        plain.digest = subject->digest;
        plain.size = subject->size;
        manifest["subject"] = to_json(plain);
        manifest["artifactType"] = kArtifactType;
    }
    out.manifest.bytes = dump_json(manifest);
    out.manifest.descriptor = describe(media_type::kManifest, out.manifest.bytes);
    if (subject != nullptr) out.manifest.descriptor.artifact_type = kArtifactType;
    return out;
}

}  // namespace smith::ocilayout
