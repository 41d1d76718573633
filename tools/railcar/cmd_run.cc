// SPDX-License-Identifier: Apache-2.0
//
// railcar run [--detach] [--keep] [as create] ID: create and start, and, unless detached, stay and delete.
#include <unistd.h>

#include "base/error.h"
#include "runtime/foreground.h"
#include "tools/railcar/lifecycle.h"
#include "tools/railcar/log.h"

namespace smith::railcar {

using namespace runtime;

namespace {

int stay(Created& created, const SignalForwarding& forwarding) {
    std::optional<TerminalRelay> relay;
    if (created.terminal) relay.emplace(std::move(created.terminal), STDIN_FILENO, STDOUT_FILENO);
    AttendOptions options;
    options.terminal = relay ? &*relay : nullptr;
    return attend(created.container, forwarding, options).shell_status();
}

}  // namespace

int command_run(const Global& global, const Words& words) {
    CreateRequest request;
    request.detach = false;
    bool keep = false;
    bool ignored = false;  // --no-subreaper: there is none here
    std::vector<Option> options = create_options(request);
    options.push_back(flag("detach", 'd', request.detach));
    options.push_back(flag("keep", 0, keep));
    options.push_back(flag("no-subreaper", 0, ignored));
    const std::string id = only_id(parse_options(words, options), "run");
    const bool detach = request.detach;
    static_cast<void>(check_preserved_fds(request.preserve_fds));
    // First the handlers: a signal that comes while the container starts is forwarded as soon as it runs.
    const SignalForwarding forwarding;
    Created created = create_container(global, id, std::move(request));
    try {
        start_container(global, created.directory, created.state, created.container.pidfd());
    } catch (...) {
        static_cast<void>(kill_and_wait(created.container.pidfd()));
        static_cast<void>(created.container.wait());
        remove_container(created.directory, created.state);
        throw;
    }
    created.directory.unlock();
    if (detach) {
        created.container.let_go();
        return 0;
    }
    const int status = stay(created, forwarding);
    if (keep) return status;
    try {
        created.directory.lock();
        remove_container(created.directory, created.state);
    } catch (const Error& e) {
        // Somebody else has deleted it meanwhile.
        if (!e.is_not_found()) throw;
    }
    return status;
}

}  // namespace smith::railcar
