// SPDX-License-Identifier: Apache-2.0
//
// SCMP_ACT_NOTIFY: whoever loads such a filter gets a descriptor from which somebody else must answer for its system
// calls (seccomp_unotify(2)). The contained process cannot hand it on: any call that it makes from then on may be one
// that waits for the answer. So whoever made that process shares its descriptors and stays, as its courier: it is told
// beforehand which number the descriptor will have, takes it when it is there, and brings it to railcar, which connects
// to `listenerPath` (runtime-spec config-linux.md, "Seccomp"; "The Container Process State").
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "base/fd.h"
#include "runtime/kernel.h"
#include "runtime/plan.h"

namespace smith::runtime {

/// Makes `plan` for a filter that has a listener.
void plan_listener(const SeccompConfig& config, Plan& plan);

/// In the contained process: loads plan.own_filter. Does the same where there is no listener.
Result load_own_filter(Kernel& kernel, const Plan& plan) noexcept;

/// What clone is to be told beside, for the contained process of a courier.
[[nodiscard]] std::uint64_t courier_flags(const Plan& plan) noexcept;
/// In the process that made the contained one, which `pidfd` is.
[[noreturn]] void be_courier(Kernel& kernel, const Plan& plan, pid_t pid, int pidfd) noexcept;
/// In the contained process, before it arranges descriptors: until the courier has its own out of the way. Ends with
/// -EPIPE when railcar closes its end of `go` instead.
Result wait_for_courier(Kernel& kernel, const Plan& plan, int go) noexcept;

/// A courier, seen by railcar. It ends by itself when it has the descriptor, or the contained process ends.
class Courier {
public:
    Courier() = default;
    Courier(Kernel& kernel, UniqueFd pidfd) noexcept : kernel_(&kernel), pidfd_(std::move(pidfd)) {}
    Courier(const Courier&) = delete;
    Courier& operator=(const Courier&) = delete;
    Courier(Courier&&) noexcept = default;
    Courier& operator=(Courier&&) = delete;
    ~Courier();
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(pidfd_); }
    void wait() noexcept;

private:
    Kernel* kernel_ = nullptr;
    UniqueFd pidfd_;
};

/// Waits for the courier, and sends what it brought to the listener. `state` is the container's, as JSON. False when
/// the contained process ended before that: why, it has reported. Throws Error (system).
[[nodiscard]] bool serve_listener(Courier& courier, const Plan& plan, const std::function<std::string(pid_t)>& state);

}  // namespace smith::runtime
