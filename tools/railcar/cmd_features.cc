// SPDX-License-Identifier: Apache-2.0
//
// railcar features: runtime-spec features.md.
#include <cstdio>

#include "base/error.h"
#include "runtime/features.h"
#include "tools/railcar/commands.h"

namespace smith::railcar {

int command_features(const Global&, const Words& words) {
    const Words rest = parse_options(words, {});
    if (!rest.empty()) usage("'features' takes no " + quote(rest.front()));
    std::fputs(runtime::features_as_json().c_str(), stdout);
    return 0;
}

}  // namespace smith::railcar
