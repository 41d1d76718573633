// SPDX-License-Identifier: Apache-2.0
//
// Small images for the tests of registries.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "ocilayout/image_destination.h"
#include "ocilayout/image_source.h"
#include "tests/unit/ocilayout/registry_server.h"

namespace smith::test {

struct TestImage {
    std::string layer;
    std::string config;
    std::string manifest;
    ocilayout::Descriptor layer_desc;
    ocilayout::Descriptor config_desc;
};

/// Plain HTTP, no patience, and credentials of nobody's.
inline ocilayout::RegistryOptions test_options() {
    ocilayout::RegistryOptions out;
    out.insecure = true;
    out.auth_file = "/nonexistent/auth.json";
    out.retry.first_delay = std::chrono::milliseconds(1);
    return out;
}

inline std::string manifest_of(const std::string& config, const std::vector<ocilayout::Descriptor>& layers) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& layer : layers) list.push_back(ocilayout::to_json(layer));
    return nlohmann::json{{"schemaVersion", 2},
                          {"mediaType", ocilayout::media_type::kManifest},
                          {"config", ocilayout::to_json(ocilayout::describe(ocilayout::media_type::kConfig, config))},
                          {"layers", list}}
        .dump();
}

inline TestImage test_image(const std::string& layer = "what a layer holds") {
    TestImage out;
    out.layer = layer;
    out.config = R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}})";
    out.layer_desc = ocilayout::describe(ocilayout::media_type::kLayerGzip, out.layer);
    out.config_desc = ocilayout::describe(ocilayout::media_type::kConfig, out.config);
    out.manifest = manifest_of(out.config, {out.layer_desc});
    return out;
}

inline TestImage add_image(FakeRegistry& registry, const std::string& repository_and_tag) {
    TestImage out = test_image();
    registry.add_blob(out.layer);
    registry.add_blob(out.config);
    registry.add_manifest(out.manifest, std::string(ocilayout::media_type::kManifest), repository_and_tag);
    return out;
}

inline std::unique_ptr<ocilayout::ImageSource> open_source(const std::string& name,
                                                           const ocilayout::RegistryOptions& options = test_options()) {
    return ocilayout::open_image_source(ocilayout::parse_reference(name), {1, options});
}

inline std::unique_ptr<ocilayout::ImageDestination> open_destination(
    const std::string& name, const ocilayout::RegistryOptions& options = test_options()) {
    return ocilayout::open_image_destination(ocilayout::parse_reference(name), {1, options});
}

inline ocilayout::BlobOpener opener(const std::string& bytes) {
    return [&bytes] { return ocilayout::memory_source(bytes); };
}

inline void push(const TestImage& image, const std::string& name,
                 const ocilayout::RegistryOptions& options = test_options()) {
    const auto destination = open_destination(name, options);
    if (!destination->has_blob(image.layer_desc)) destination->put_blob(image.layer_desc, opener(image.layer), {});
    if (!destination->has_blob(image.config_desc)) destination->put_blob(image.config_desc, opener(image.config), {});
    destination->put_tagged(ocilayout::describe(ocilayout::media_type::kManifest, image.manifest), image.manifest,
                            destination->tag());
    destination->finish();
}

inline std::string referrer_of(const ocilayout::Descriptor& subject, const std::string& artifact_type) {
    return nlohmann::json{{"schemaVersion", 2},
                          {"mediaType", ocilayout::media_type::kManifest},
                          {"artifactType", artifact_type},
                          {"config", ocilayout::to_json(ocilayout::describe(ocilayout::media_type::kEmpty, "{}"))},
                          {"layers", nlohmann::json::array()},
                          {"subject", ocilayout::to_json(subject)}}
        .dump();
}

/// Pushes an artifact that hangs on `subject`, and returns its manifest.
inline std::string hang_on(FakeRegistry& registry, const ocilayout::Descriptor& subject, const std::string& type) {
    std::string manifest = referrer_of(subject, type);
    const auto destination = open_destination(registry.name("app:1"));
    destination->put_manifest(ocilayout::describe(ocilayout::media_type::kManifest, manifest), manifest);
    destination->finish();
    return manifest;
}

/// Bytes without a pattern, the same ones every time.
inline std::string noise(std::size_t size) {
    std::string out(size, '\0');
    std::uint32_t state = 12345;
    for (char& c : out) {
        state = state * 1664525U + 1013904223U;
        c = static_cast<char>(state >> 24U);
    }
    return out;
}

inline std::string message_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& e) {
        return e.message();
    }
    return "nothing was thrown";
}

/// Of the Error that `body` throws; the test fails when it throws none.
inline ErrorKind kind_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& e) {
        INFO(e.message());
        return e.kind();
    }
    FAIL("nothing was thrown");
    return ErrorKind::system;
}

}  // namespace smith::test
