// SPDX-License-Identifier: Apache-2.0
//
// Makes the contained process. Where it is to be in namespaces that exist already, or in a time namespace, an usher
// goes first: a PID or time namespace takes only the children of who enters it, a user namespace must be entered before
// what belongs to it, and a new user namespace ends the right to enter others. The usher enters, makes the contained
// process as its sibling (CLONE_PARENT), and ends; or, where the filter has a listener, stays as its courier.
#pragma once

#include <optional>

#include "runtime/kernel.h"
#include "runtime/listener.h"
#include "runtime/plan.h"

namespace smith::runtime {

/// As Kernel::clone: returns 0 in the child, who is in `cgroup`. In the parent its id, and `pidfd` is set. A namespace
/// that cannot be made or entered throws Error (system), and names it; nothing is left then. `courier` is set where
/// there is one.
[[nodiscard]] pid_t make_contained_process(Kernel& kernel, const Plan& plan, int cgroup, UniqueFd& pidfd,
                                           std::optional<Courier>& courier);

/// Opens what `joined` names, and makes sure that it is a namespace of that kind. Throws Error: spec, when it is not;
/// system.
[[nodiscard]] UniqueFd open_namespace(Kernel& kernel, const JoinedNamespace& joined);

}  // namespace smith::runtime
