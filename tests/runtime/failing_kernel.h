// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/syscall.h>

#include <array>
#include <cerrno>

#include "runtime/kernel.h"

namespace smith::runtime {

/// Lets the n-th call fail, counted anew in each process from its fork. Not those that only clean up: there is nothing
/// left to do about them.
class FailingKernel : public Kernel {
public:
    explicit FailingKernel(int fail_at) : fail_at_(fail_at) {}
    [[nodiscard]] int calls() const { return count_; }

protected:
    Result invoke(long number, long a, long b, long c, long d, long e) noexcept override {
        constexpr std::array cleaning = {long{SYS_close},      long{SYS_waitid},   long{SYS_pidfd_send_signal},
                                         long{SYS_exit_group}, long{SYS_unlinkat}, long{SYS_umount2}};
        for (const long call : cleaning) {
            if (number == call) return Kernel::invoke(number, a, b, c, d, e);
        }
        if (count_++ == fail_at_) return -EIO;
        return Kernel::invoke(number, a, b, c, d, e);
    }

private:
    int fail_at_;
    int count_ = 0;
};

}  // namespace smith::runtime
