// SPDX-License-Identifier: Apache-2.0
//
// railcar start ID
#include "base/error.h"
#include "tools/railcar/lifecycle.h"

namespace smith::railcar {

int command_start(const Global& global, const Words& words) {
    Found found = find_container(global, only_id(parse_options(words, {}), "start"), true);
    if (found.status != runtime::Status::created) {
        throw Error(ErrorKind::system, "cannot start a container that is " + std::string(status_name(found.status)) +
                                           ": it must be 'created'");
    }
    start_container(global, found.directory, found.state, found.pidfd.get());
    return 0;
}

}  // namespace smith::railcar
