// SPDX-License-Identifier: Apache-2.0
//
// railcar create [--bundle DIR] [--pid-file FILE] [--console-socket SOCKET] ID: everything but the start.
#include "tools/railcar/lifecycle.h"

namespace smith::railcar {

int command_create(const Global& global, const Words& words) {
    CreateRequest request;
    const std::string id = only_id(parse_options(words, create_options(request)), "create");
    Created created = create_container(global, id, std::move(request));
    created.container.let_go();
    return 0;
}

}  // namespace smith::railcar
