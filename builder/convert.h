// SPDX-License-Identifier: Apache-2.0
//
// An image made smaller without a spec: what `smith convert` asks for, as the spec that it comes to.
#pragma once

#include <string>
#include <vector>

#include "builder/build.h"

namespace smith::builder {

struct ConvertOptions {
    std::string source;              ///< as reference.h takes it
    std::string destination;         ///< likewise
    std::vector<std::string> paths;  ///< empty: what the image's command names
    std::vector<std::string> excludes;
    std::vector<std::string> entrypoint;  ///< empty: the image's
    std::string user;                     ///< "": the image's, unless that is root
    std::string parent;                   ///< "": none
    std::string arch;                     ///< as rpm calls it; "": this machine's
    bool nss = false;
    bool docker_types = false;  ///< as BuildOptions has it
    Environment environment;
    std::optional<std::int64_t> created;
};

/// Throws as build(); messages say of a path or exclude that it is an option's.
BuildResult convert(const ConvertOptions& options, Reporter& reporter);

}  // namespace smith::builder
