// SPDX-License-Identifier: Apache-2.0
//
// railcar state ID: prints the container's state as JSON.
#include <cstdio>

#include "tools/railcar/lifecycle.h"

namespace smith::railcar {

int command_state(const Global& global, const Words& words) {
    const Found found = find_container(global, only_id(parse_options(words, {}), "state"));
    std::fputs(state_for_people(found.state, found.status).c_str(), stdout);
    return 0;
}

}  // namespace smith::railcar
