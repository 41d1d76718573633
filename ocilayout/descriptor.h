// SPDX-License-Identifier: Apache-2.0
//
// A reference to bytes by type, digest and size: OCI image-spec descriptor.md. What manifests and indexes are made of.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"

namespace smith::ocilayout {

namespace media_type {
inline constexpr std::string_view kIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kLayerTar = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view kLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view kEmpty = "application/vnd.oci.empty.v1+json";
// What docker wrote before OCI, and still writes: read everywhere, written on request (docker_types.h).
inline constexpr std::string_view kDockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kDockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view kDockerLayerTar = "application/vnd.docker.image.rootfs.diff.tar";
}  // namespace media_type

/// What smith hangs on an image by `subject`; each is the artifactType and the media type of its one blob.
namespace artifact_type {
inline constexpr std::string_view kSpec = "application/vnd.smith.spec+json";
inline constexpr std::string_view kPackages = "application/vnd.smith.packages+json";
inline constexpr std::string_view kReasons = "application/vnd.smith.reasons+json";
}  // namespace artifact_type

/// Names of annotations: image-spec annotations.md, and ours.
namespace annotation {
inline constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";
/// On an entry of index.json: digest of the image index that lists the referrers of that image.
inline constexpr std::string_view kReferrers = "vnd.smith.referrers";
}  // namespace annotation

using Annotations = std::map<std::string, std::string>;

/// image-index.md, "platform": what a manifest is for.
struct Platform {
    std::string os;
    std::string architecture;  ///< as Go calls it: amd64, arm64, ppc64le, s390x ...
    std::string variant;       ///< such as v8; often empty
    auto operator<=>(const Platform&) const = default;
};

struct Descriptor {
    std::string media_type;
    Digest digest;
    std::uint64_t size = 0;  ///< in bytes
    std::string artifact_type;
    std::optional<Platform> platform;
    Annotations annotations;
    auto operator<=>(const Descriptor&) const = default;
};

/// The descriptor of `bytes`.
[[nodiscard]] Descriptor describe(std::string_view media_type, std::string_view bytes);

[[nodiscard]] nlohmann::json to_json(const Descriptor& descriptor);

/// Throws Error (format) for a missing or ill-typed field, a digest other than sha256, and a size below 0. Unknown
/// fields are skipped, as image-spec asks (considerations.md, "Extensibility").
[[nodiscard]] Descriptor parse_descriptor(const nlohmann::json& value);
[[nodiscard]] Annotations parse_annotations(const nlohmann::json& value);

[[nodiscard]] bool is_manifest_type(std::string_view media_type);
[[nodiscard]] bool is_index_type(std::string_view media_type);
/// A layer of a file system: OCI's or docker's, in any compression.
[[nodiscard]] bool is_layer_type(std::string_view media_type);

/// Go's name for the architecture of an RPM or of uname(2): "x86_64" gives amd64, "aarch64" arm64 with variant v8.
/// Throws Error (usage) for one that is not known.
[[nodiscard]] Platform platform_of_machine(std::string_view machine);
/// The machine that this program was compiled for.
[[nodiscard]] Platform host_platform();
/// From "os/architecture[/variant]". Throws Error (usage).
[[nodiscard]] Platform parse_platform(std::string_view text);
[[nodiscard]] std::string to_string(const Platform& platform);

}  // namespace smith::ocilayout
