// SPDX-License-Identifier: Apache-2.0
//
// What containers-registries.conf(5) says of a registry, in version 2 of the format: where its images really are, which
// mirrors have them, what may not be used at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ocilayout/registry/name.h"

namespace smith::ocilayout {

enum class PullFromMirror { all, digest_only, tag_only };

struct RegistryMirror {
    std::string location;  ///< HOST[:PORT][/PATH]
    bool insecure = false;
    PullFromMirror pull = PullFromMirror::all;
    bool operator==(const RegistryMirror&) const = default;
};

struct RegistryRule {
    std::string prefix;    ///< HOST[:PORT][/PATH], "*.HOST" for all below a host
    std::string location;  ///< in place of the prefix
    bool insecure = false;
    bool blocked = false;
    std::vector<RegistryMirror> mirrors;
    bool operator==(const RegistryRule&) const = default;
};

struct RegistriesConf {
    std::vector<RegistryRule> rules;
    bool operator==(const RegistriesConf&) const = default;
};

/// `file` is for messages. Throws Error (spec), which says where and what; also for version 1 of the format.
[[nodiscard]] RegistriesConf parse_registries_conf(std::string_view text, const std::string& file);

/// $CONTAINERS_REGISTRIES_CONF alone, else ~/.config/containers/registries.conf or, without it,
/// /etc/containers/registries.conf; then the files of registries.conf.d of both, in the order of their names, whose
/// rules replace earlier ones of the same prefix. Throws Error: spec, system.
[[nodiscard]] RegistriesConf load_registries_conf();

/// One place where an image may be had, or be put.
struct RegistryPlace {
    std::string host;  ///< as RegistryName::host
    std::string repository;
    bool insecure = false;
    bool operator==(const RegistryPlace&) const = default;
};

/// Where to pull `name` from, the first first: the mirrors that are for names like it, then the registry itself.
/// Throws Error: usage, when it is blocked; spec, when a location makes a name that is none.
[[nodiscard]] std::vector<RegistryPlace> places_to_pull(const RegistriesConf& conf, const RegistryName& name);
/// Where to push it: never a mirror. Throws likewise.
[[nodiscard]] RegistryPlace place_to_push(const RegistriesConf& conf, const RegistryName& name);

}  // namespace smith::ocilayout
