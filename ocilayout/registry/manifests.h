// SPDX-License-Identifier: Apache-2.0
//
// Manifests, tags and referrers of one repository (distribution-spec, "Pulling manifests", "Pushing Manifests",
// "Content Discovery", "Content Management").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ocilayout/descriptor.h"
#include "ocilayout/image.h"
#include "ocilayout/image_source.h"
#include "ocilayout/registry/client.h"

namespace smith::ocilayout {

/// `reference` is a tag or a digest. The digest is that of the bytes that came, whatever the registry calls them.
/// Nothing when there is none. Throws Error: integrity, when a digest was asked for and something else came, or when
/// the registry gives them another digest; format, for what is no manifest and no index; fetch.
[[nodiscard]] std::optional<RawManifest> get_manifest(RegistryClient& client, const std::string& reference);

/// What the registry says that it has, without its bytes; nothing when there is none, or when it does not say. Not to
/// be relied upon for more than leaving work out.
[[nodiscard]] std::optional<Digest> head_manifest(RegistryClient& client, const std::string& reference);

/// False when the registry says that there is none. Throws Error (fetch).
[[nodiscard]] bool has_manifest(RegistryClient& client, const Digest& digest);

/// True when the registry lists referrers of `bytes`' subject by itself, or when it has none.
/// Throws Error: fetch; integrity, when the registry takes it for something else.
bool put_manifest(RegistryClient& client, const Descriptor& descriptor, std::string_view bytes,
                  const std::string& reference);

/// False when there is none.
bool delete_manifest(RegistryClient& client, const std::string& reference);

/// In the order of the registry. Throws Error (format) when there is no end of them.
[[nodiscard]] std::vector<std::string> list_tags(RegistryClient& client);

/// What hangs on `subject`, by the referrers API, else by the index under its fallback tag (distribution-spec,
/// "Unavailable Referrers API").
[[nodiscard]] std::vector<Descriptor> list_referrers(RegistryClient& client, const Digest& subject);

/// "sha256-<hex>"
[[nodiscard]] std::string referrers_tag(const Digest& subject);

/// Adds `entries` to the index under the fallback tag of `subject`, and takes out what it lists and the registry has no
/// more: cleaning up, some registries keep the index and not what it lists.
void add_to_referrers_tag(RegistryClient& client, const Digest& subject, const std::vector<Descriptor>& entries);

/// Takes `referrer` out of the index under the fallback tag of `subject`, if it is in there (distribution-spec,
/// "Deleting Manifests").
void remove_from_referrers_tag(RegistryClient& client, const Digest& subject, const Digest& referrer);

/// The URL in a Link header (RFC 8288) with rel="next"; empty for none.
[[nodiscard]] std::string next_link(std::string_view header);

}  // namespace smith::ocilayout
