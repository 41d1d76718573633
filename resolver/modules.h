// SPDX-License-Identifier: Apache-2.0
//
// Modules, as modules.yaml has them (the "modules" metadata of a repository): several versions of one thing beside each
// other, such as nodejs 18 and 20, of which packages can be had from one at a time. Formats: modulemd (versions 1
// and 2) and modulemd-defaults (version 1) of the Fedora Modularity project. Which streams are chosen is in
// module_choice.h, and what that hides in module_filter.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "resolver/metadata_stream.h"

namespace smith::resolver {

struct ModuleRequirement {
    std::string module;
    std::vector<std::string> streams;  ///< one of them; "-NAME": not that one; none: whichever
    auto operator<=>(const ModuleRequirement&) const = default;
};

struct ModuleProfile {
    std::string name;
    std::vector<std::string> packages;  ///< names
    bool operator==(const ModuleProfile&) const = default;
};

/// One build of a stream.
struct ModuleStream {
    std::string name;
    std::string stream;
    std::uint64_t version = 0;
    std::string context;  ///< which of several builds of one version, for different requirements
    bool has_static_context = false;
    std::string arch;
    std::vector<ModuleRequirement> requirements;  ///< all of them
    std::vector<std::string> artifacts;           ///< the NEVRAs of its packages, as they are written
    std::set<std::string> demodularized;          ///< names that it no longer takes for itself
    std::vector<ModuleProfile> profiles;

    /// "nodejs:18"
    [[nodiscard]] std::string name_stream() const { return name + ":" + stream; }
};

struct ModuleDefaults {
    std::string stream;  ///< "": none
    /// By stream. What "@NAME" installs.
    std::map<std::string, std::set<std::string>> profiles;
    std::uint64_t modified = 0;
    bool is_contested = false;  ///< two repositories name different streams: there is no default then
};

struct Modules {
    std::vector<ModuleStream> streams;
    std::map<std::string, ModuleDefaults> defaults;  ///< by module

    [[nodiscard]] bool empty() const { return streams.empty(); }
    [[nodiscard]] std::set<std::string> streams_of(std::string_view module) const;
    /// "": it has none.
    [[nodiscard]] std::string default_stream(const std::string& module) const;
};

/// Adds what `stream` has to `modules`. Documents that say nothing about this (translations, obsoletes) are left out;
/// keys that are not known, too. Throws Error: format, integrity.
void read_modules(MetadataStream& stream, Modules& modules);

}  // namespace smith::resolver
