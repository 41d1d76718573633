// SPDX-License-Identifier: Apache-2.0
//
// What a person means by a package spec, as dnf reads it (dnf(8), "Specifying Packages"): the first of these that any
// package answers to.
//
//     1. name-[epoch:]version-release.arch, name.arch, name, name-[epoch:]version-release, name-[epoch:]version;
//        each part may be a glob
//     2. a glob over the whole NEVRA
//     3. something provided: NAME, or NAME OPERATOR [EPOCH:]VERSION[-RELEASE]; NAME may be a glob
//     4. a file's path, absolute or beginning with "*/"; globs too
//
// Internal to solving.
#pragma once

#include <string>
#include <vector>

#include "resolver/package_pool.h"

namespace smith::resolver {

enum class SpecForm {
    nothing,      ///< no package answers to it
    name,         ///< a package's name and nothing else: it also stands for what obsoletes that package
    any_arch,     ///< an architecture that is a glob: one package of each name and architecture is wanted
    other_nevra,  ///< with a version, an architecture
    provide,
    file,
};

struct SpecMatch {
    SpecForm form = SpecForm::nothing;
    std::vector<Id> packages;  ///< in order of id
};

/// Which packages to look at: those that may be installed, or, to tell why nothing was found, all.
enum class Among { installable, all };

[[nodiscard]] SpecMatch match_spec(const std::string& spec, const PackagePool& pool, Among among = Among::installable);

/// All that provide `what`, or have it as a file; both may be globs. In order of id.
[[nodiscard]] std::vector<Id> match_provided(const std::string& what, const PackagePool& pool);

/// "/usr/bin/sh", "*/bin/sh"
[[nodiscard]] bool is_path(std::string_view spec);

}  // namespace smith::resolver
