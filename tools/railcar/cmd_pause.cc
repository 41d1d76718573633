// SPDX-License-Identifier: Apache-2.0
//
// railcar pause ID, railcar resume ID
#include "base/error.h"
#include "tools/railcar/lifecycle.h"

namespace smith::railcar {

using namespace runtime;

int command_pause(const Global& global, const Words& words) {
    const Found found = find_container(global, only_id(parse_options(words, {}), "pause"), true);
    if (found.status != Status::running && found.status != Status::created) {
        throw Error(ErrorKind::system,
                    "container not running or created: it is " + std::string(status_name(found.status)));
    }
    freeze_cgroups(found.state.cgroups, true);
    return 0;
}

int command_resume(const Global& global, const Words& words) {
    const Found found = find_container(global, only_id(parse_options(words, {}), "resume"), true);
    // One that was paused before it was started is "created" to the eye.
    if (!is_frozen(found.state.cgroups)) throw Error(ErrorKind::system, "container not paused");
    freeze_cgroups(found.state.cgroups, false);
    return 0;
}

}  // namespace smith::railcar
