// SPDX-License-Identifier: Apache-2.0
//
// What starting a container and joining one have in common. For container.cc and join.cc only.
#pragma once

#include <signal.h>

#include "base/fd.h"
#include "runtime/container.h"

namespace smith::runtime {

struct Pipe {
    UniqueFd read;
    UniqueFd write;
};
[[nodiscard]] Pipe make_pipe();

/// No handler of ours may run in the child before it has set them all to default, nor ever in the guard. A SIGPIPE of
/// this thread's own writes is dropped at the end.
class SignalsBlocked {
public:
    SignalsBlocked() noexcept;
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked();

private:
    sigset_t before_{};
    bool had_broken_pipe_ = false;
};

/// A pipe belongs to who made it, and can be opened again, as /dev/stdout, by nobody else. Where the container's user
/// is somebody else it gets the pipe, as with every runtime. Not so a terminal or a file, which the caller keeps using.
void hand_over_pipes(const Stdio& stdio, const RuntimeConfig& config);

/// The child's view of the descriptors. `null` stands for those of `stdio` that are -1.
[[nodiscard]] ChildChannels make_channels(const Stdio& stdio, int null, const StartGate& gate, const Pipe& go);

}  // namespace smith::runtime
