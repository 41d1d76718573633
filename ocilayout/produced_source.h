// SPDX-License-Identifier: Apache-2.0
//
// A stream whose bytes somebody pushes: a function on a thread of its own writes to an outlet, and whoever reads takes
// from its other end. In between is a queue with a bound.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <span>

#include "ocilayout/byte_source.h"

namespace smith::ocilayout {

/// Thrown through a producer when nobody wants its bytes any more; nobody is there to be told.
struct Cancelled {};

class Outlet {
public:
    virtual ~Outlet() = default;
    /// Waits while enough is ready to be read. Throws Cancelled.
    virtual void write(std::span<const std::byte> bytes) = 0;
    /// Throws Cancelled, at once, when nobody waits with it any more.
    virtual void wait(std::chrono::milliseconds time) = 0;
    /// True from when nobody reads any more: for what is to be interrupted.
    [[nodiscard]] virtual const std::atomic<bool>& cancelled() const noexcept = 0;
};

/// Starts `produce`. What it has written is read, then what it threw is thrown; the source's destructor waits for it.
[[nodiscard]] std::unique_ptr<ByteSource> produced_source(std::function<void(Outlet&)> produce);

}  // namespace smith::ocilayout
