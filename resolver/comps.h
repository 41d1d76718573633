// SPDX-License-Identifier: Apache-2.0
//
// Groups of packages, as comps.xml has them (the "group" metadata of a repository): "@core", "@Minimal Install".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "resolver/metadata_stream.h"

namespace smith::resolver {

struct GroupPackage {
    std::string name;
    bool basearch_only = false;  ///< its own architecture, not noarch
    std::string condition;       ///< only when this package is installed too; empty: always
    bool operator==(const GroupPackage&) const = default;
};

struct Group {
    std::string id;
    std::string name;                    ///< in English
    std::vector<GroupPackage> packages;  ///< mandatory, default and conditional ones: what dnf installs; no name twice
    bool operator==(const Group&) const = default;
};

/// Groups of groups.
struct EnvironmentGroup {
    std::string id;
    std::string name;
    std::vector<std::string> groups;  ///< ids; optional groups are left out
    bool operator==(const EnvironmentGroup&) const = default;
};

struct Comps {
    std::vector<Group> groups;
    std::vector<EnvironmentGroup> environments;

    [[nodiscard]] const Group* find(std::string_view id) const;

    /// The groups that `spec` means, as dnf has it: an id or a name, exactly; else globs of these, in upper or lower
    /// case. An environment group means its groups. Empty when there are none.
    [[nodiscard]] std::vector<const Group*> match(const std::string& spec) const;
};

/// Adds what `stream` has to `comps`; a group that is there already gets further packages. `basearch` decides about
/// what is for some architectures only. Throws Error: format, integrity.
void read_comps(MetadataStream& stream, const std::string& basearch, Comps& comps);

}  // namespace smith::resolver
