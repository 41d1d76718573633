// SPDX-License-Identifier: Apache-2.0
//
// Hooks: programs of whoever wrote the configuration, run at moments of a container's life (runtime-spec config.md,
// "POSIX-platform Hooks"). A hook reads the container's state from its standard input and has the environment of the
// configuration, nothing of the runtime's own; what it prints goes to the runtime's standard error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/failure.h"
#include "runtime/kernel.h"
#include "runtime/plan.h"

namespace smith::runtime {

[[nodiscard]] PlannedHook plan_hook(const Hook& hook);

/// Runs one hook to its end, killing it when its time is over. `state`: a file that it reads from the start. 0 when it
/// ended with 0; else -errno, with a few words in `text` when it was the hook that failed (-ECANCELED). Allocates
/// nothing.
Result run_hook(Kernel& kernel, const PlannedHook& hook, int state, char (&text)[kFailureTextBytes]) noexcept;

/// Runs `hooks` in their order, in this process's namespaces, with `state` (JSON) to read. Throws Error (system) for
/// the first that fails: "the prestart hook '/x' ended with status 3".
void run_hooks(Kernel& kernel, const std::vector<Hook>& hooks, std::string_view kind, std::string_view state);

/// A file that holds `text` and can be read from its start. Throws Error (system).
[[nodiscard]] UniqueFd memory_file(Kernel& kernel, std::string_view text);

}  // namespace smith::runtime
