// SPDX-License-Identifier: Apache-2.0
//
// The configuration and the manifest of an image (OCI image-spec config.md, manifest.md), and what hangs on it by
// `subject` (manifest.md, "Guidelines for Artifact Usage"). JSON is kept as it was written: digests are of bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ocilayout/descriptor.h"
#include "ocilayout/layer.h"

namespace smith::ocilayout {

/// Docker's extension of the configuration (Dockerfile HEALTHCHECK). Durations in nanoseconds; 0: the runtime's
/// default.
struct Healthcheck {
    std::vector<std::string> test;  ///< {"CMD", argv...}, {"CMD-SHELL", line} or {"NONE"}
    std::int64_t interval_ns = 0;
    std::int64_t timeout_ns = 0;
    std::int64_t start_period_ns = 0;
    std::int64_t start_interval_ns = 0;
    std::int64_t retries = 0;
    bool operator==(const Healthcheck&) const = default;
};

struct ImageConfig {
    Platform platform;  ///< os and architecture are required
    /// RFC 3339, only with SOURCE_DATE_EPOCH.
    std::optional<std::string> created;
    std::string author;

    std::string user;                     ///< "10:10", a name, or empty for root
    std::set<std::string> exposed_ports;  ///< "80/tcp"
    std::vector<std::string> env;         ///< "NAME=value", in the order of the spec
    std::vector<std::string> entrypoint;
    std::vector<std::string> cmd;
    std::set<std::string> volumes;
    std::string working_dir;
    std::map<std::string, std::string> labels;
    std::string stop_signal;
    std::optional<Healthcheck> healthcheck;

    bool operator==(const ImageConfig&) const = default;
};

struct Image {
    std::string config;    ///< JSON
    std::string manifest;  ///< JSON
    Descriptor config_desc;
    Descriptor manifest_desc;   ///< with the platform
    std::vector<Layer> layers;  ///< the lowest first; smith's own images have one
};

/// `layers`: the lowest first. Throws Error (format) for text that is not UTF-8.
[[nodiscard]] Image make_image(const ImageConfig& config, std::span<const Layer> layers,
                               const Annotations& annotations = {});

/// The configuration as JSON: keys sorted, nothing that is empty.
[[nodiscard]] std::string to_json_text(const ImageConfig& config, std::span<const Layer> layers);

/// A manifest of these, keys sorted.
[[nodiscard]] std::string make_manifest_text(const Descriptor& config, std::span<const Descriptor> layers,
                                             const Annotations& annotations = {});

struct ParsedConfig {
    ImageConfig config;
    std::vector<Digest> diff_ids;
};
/// Throws Error (format).
[[nodiscard]] ParsedConfig parse_image_config(std::string_view text);

struct ParsedManifest {
    std::string media_type;
    Descriptor config;
    std::vector<Descriptor> layers;
    std::string artifact_type;
    std::optional<Descriptor> subject;
    Annotations annotations;
};
/// `media_type`: what the descriptor that led here promised. Throws Error (format) when the document is something else,
/// or could be read as two things (CVE-2021-41190).
[[nodiscard]] ParsedManifest parse_manifest(std::string_view text, std::string_view media_type);

struct ParsedIndex {
    std::string media_type;
    std::vector<Descriptor> manifests;
    Annotations annotations;
};
/// As parse_manifest, for an image index.
[[nodiscard]] ParsedIndex parse_index(std::string_view text, std::string_view media_type);
[[nodiscard]] std::string to_json_text(const ParsedIndex& index);

/// What a manifest or an index without a descriptor is: what it says itself, else, as the containers tools guess, by
/// its fields. Throws Error (format) when it is neither.
[[nodiscard]] std::string guess_manifest_type(std::string_view text);

/// One document that says something about an image: its spec, its packages, the reasons for its files.
struct Artifact {
    std::string artifact_type;
    std::string media_type;  ///< of `bytes`
    std::string bytes;
    Annotations annotations;
    bool operator==(const Artifact&) const = default;
};

/// A blob that a manifest or an index refers to, with its bytes.
struct SmallBlob {
    Descriptor descriptor;
    std::string bytes;
};

/// What attaches artifacts to an image.
struct Referrers {
    /// The artifacts' bytes, and the empty configuration that their manifests have; each digest once.
    std::vector<SmallBlob> blobs;
    /// The manifests that carry them. Their descriptors have what "Listing Referrers" of distribution-spec wants.
    std::vector<SmallBlob> manifests;
};

/// In an order that does not depend on that of `artifacts`. Empty for no artifacts.
[[nodiscard]] Referrers make_referrers(const Descriptor& subject, std::span<const Artifact> artifacts);

/// An image index of them, as a registry's referrers API would answer. Sorted by type and digest.
[[nodiscard]] SmallBlob make_referrer_index(std::vector<Descriptor> referrers);

}  // namespace smith::ocilayout
