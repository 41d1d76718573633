// SPDX-License-Identifier: Apache-2.0
//
// How people name an image, as the containers tools have it (containers-transports(5)).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace smith::ocilayout {

enum class Transport { oci, oci_archive, docker_archive, dir, docker };

struct Reference {
    Transport transport = Transport::oci;
    std::filesystem::path path;  ///< of the layout or archive; empty for docker
    std::string tag;             ///< without the colon; empty when none was given
    std::string name;            ///< docker only: HOST/NAME[:TAG|@DIGEST], not looked into yet

    bool operator==(const Reference&) const = default;
};

/// "oci:DIR[:TAG]", "oci-archive:FILE[:TAG]", "docker-archive:FILE[:REF|:@NUMBER]", "dir:DIR", "docker://NAME", and
/// bare paths: one that ends in .tar, .tar.gz or .tgz (and perhaps :TAG) is an OCI archive, any other an OCI layout.
/// "https://HOST/NAME" is Oracle Smith's spelling of docker://. A path holds no colon, so the first one ends it. Throws
/// Error (usage), which says how to spell what was probably meant.
[[nodiscard]] Reference parse_reference(std::string_view text);

/// parse_reference(to_string(r)) == r.
[[nodiscard]] std::string to_string(const Reference& reference);

/// The tag, or "latest".
[[nodiscard]] std::string tag_or_latest(const Reference& reference);

}  // namespace smith::ocilayout
