// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/descriptor.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "ocilayout/json_fields.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

/// One machine under all the names it goes by: uname(2), RPM, Go.
struct Machine {
    std::string_view name;
    std::string_view architecture;
    std::string_view variant;
};
constexpr std::array kMachines = {
    Machine{"x86_64", "amd64", ""},      Machine{"amd64", "amd64", ""},
    Machine{"x86_64_v2", "amd64", "v2"}, Machine{"x86_64_v3", "amd64", "v3"},
    Machine{"x86_64_v4", "amd64", "v4"}, Machine{"aarch64", "arm64", "v8"},
    Machine{"arm64", "arm64", "v8"},     Machine{"i686", "386", ""},
    Machine{"i586", "386", ""},          Machine{"i386", "386", ""},
    Machine{"386", "386", ""},           Machine{"armv7hl", "arm", "v7"},
    Machine{"armv7hnl", "arm", "v7"},    Machine{"armv7l", "arm", "v7"},
    Machine{"armv6hl", "arm", "v6"},     Machine{"ppc64le", "ppc64le", ""},
    Machine{"ppc64", "ppc64", ""},       Machine{"s390x", "s390x", ""},
    Machine{"riscv64", "riscv64", ""},   Machine{"loongarch64", "loong64", ""},
    Machine{"loong64", "loong64", ""},
};

json to_json(const Platform& platform) {
    json out{{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.variant.empty()) out["variant"] = platform.variant;
    return out;
}

Platform parse_platform_object(const json& value) {
    return {string_field(value, "os"), string_field(value, "architecture"), optional_string(value, "variant")};
}

}  // namespace

Descriptor describe(std::string_view media_type, std::string_view bytes) {
    Descriptor out;
    out.media_type = media_type;
    out.digest = sha256(bytes);
    out.size = bytes.size();
    return out;
}

json to_json(const Descriptor& descriptor) {
    json out{{"mediaType", descriptor.media_type}, {"digest", descriptor.digest.str()}, {"size", descriptor.size}};
    if (!descriptor.artifact_type.empty()) out["artifactType"] = descriptor.artifact_type;
    if (descriptor.platform) out["platform"] = to_json(*descriptor.platform);
    if (!descriptor.annotations.empty()) out["annotations"] = descriptor.annotations;
    return out;
}

Annotations parse_annotations(const json& value) { return string_map(value, "annotations"); }

Descriptor parse_descriptor(const json& value) {
    Descriptor out;
    out.media_type = string_field(value, "mediaType");
    out.digest = while_doing([] { return "reading a descriptor"; },
                             [&] { return Digest::parse(string_field(value, "digest")); });
    out.size = size_field(value, "size");
    out.artifact_type = optional_string(value, "artifactType");
    if (const json* platform = find_field(value, "platform")) out.platform = parse_platform_object(*platform);
    out.annotations = parse_annotations(value);
    return out;
}

bool is_manifest_type(std::string_view media_type) {
    return media_type == media_type::kManifest || media_type == media_type::kDockerManifest;
}

bool is_index_type(std::string_view media_type) {
    return media_type == media_type::kIndex || media_type == media_type::kDockerIndex;
}

bool is_layer_type(std::string_view type) {
    // Non-distributable layers are layers like others once their blob is there. What follows "tar" is the compression,
    // which the first bytes tell better.
    return type.starts_with(media_type::kLayerTar) || type == media_type::kDockerLayerGzip ||
           type == media_type::kDockerLayerTar || type == "application/vnd.docker.image.rootfs.diff.tar.zstd" ||
           type.starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar") ||
           type == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
}

Platform platform_of_machine(std::string_view machine) {
    const auto* const found = std::ranges::find(kMachines, machine, &Machine::name);
    if (found == kMachines.end()) throw Error(ErrorKind::usage, "unknown architecture " + quote(machine));
    return {"linux", std::string(found->architecture), std::string(found->variant)};
}

Platform host_platform() {
#if defined(__x86_64__)
    return platform_of_machine("x86_64");
#elif defined(__aarch64__)
    return platform_of_machine("aarch64");
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
    return platform_of_machine("ppc64le");
#elif defined(__s390x__)
    return platform_of_machine("s390x");
#elif defined(__riscv) && __riscv_xlen == 64
    return platform_of_machine("riscv64");
#else
#error "say what this machine is called"
#endif
}

Platform parse_platform(std::string_view text) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == '/') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    const bool has_empty_part = std::ranges::any_of(parts, [](const std::string& part) { return part.empty(); });
    if (parts.size() < 2 || parts.size() > 3 || has_empty_part) {
        throw Error(ErrorKind::usage, "platform " + quote(text) + " is not OS/ARCHITECTURE[/VARIANT], as linux/arm64");
    }
    return {parts[0], parts[1], parts.size() == 3 ? parts[2] : ""};
}

std::string to_string(const Platform& platform) {
    std::string out = platform.os + "/" + platform.architecture;
    if (!platform.variant.empty()) out += "/" + platform.variant;
    return out;
}

}  // namespace smith::ocilayout
