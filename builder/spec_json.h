// SPDX-License-Identifier: Apache-2.0
//
// The canonical JSON of a Spec: what is attached to an image as application/vnd.smith.spec+json. It is a spec itself:
// JSON is YAML, and parse_spec reads it back to an equal value.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "builder/spec.h"

namespace smith::builder {

inline constexpr std::string_view kSpecMediaType = "application/vnd.smith.spec+json";

/// `spec` without the user and password of its URLs. An image is published; a password is not.
[[nodiscard]] Spec without_credentials(Spec spec);

/// Keys sorted; what has its default value is left out; no location, no file name; without_credentials().
[[nodiscard]] nlohmann::json to_json(const Spec& spec);
/// The bytes of to_json(). Equal specs have equal bytes.
[[nodiscard]] std::string canonical_json(const Spec& spec);

}  // namespace smith::builder
