// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/kernel.h"

namespace smith::runtime {

/// A descriptor for the length of a scope between clone and execve. (UniqueFd closes through libc, past the Kernel.)
class Scoped {
public:
    Scoped(Kernel& kernel, Result fd) noexcept : kernel_(kernel), fd_(fd) {}
    Scoped(const Scoped&) = delete;
    Scoped& operator=(const Scoped&) = delete;
    ~Scoped() {
        if (fd_ >= 0) kernel_.close(get());
    }
    [[nodiscard]] int get() const noexcept { return static_cast<int>(fd_); }
    [[nodiscard]] bool failed() const noexcept { return fd_ < 0; }
    [[nodiscard]] Result error() const noexcept { return fd_; }

private:
    Kernel& kernel_;
    Result fd_;
};

}  // namespace smith::runtime
