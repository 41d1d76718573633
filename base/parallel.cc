// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace smith {

unsigned default_jobs() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    // Fails where there are more processors than a cpu_set_t has room for.
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return std::max(1U, std::thread::hardware_concurrency());
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&allowed)));
}

void parallel_for(unsigned jobs, std::size_t count, const std::function<void(std::size_t)>& body) {
    std::atomic<std::size_t> next{0};
    // Work at or above this index is not begun any more: something below it has failed.
    std::atomic<std::size_t> end{count};
    std::mutex mutex;
    std::size_t failed_index = count;
    std::exception_ptr failure;

    const auto work = [&] {
        for (std::size_t i = next++; i < end; i = next++) {
            try {
                body(i);
            } catch (...) {
                const std::lock_guard lock(mutex);
                if (i < failed_index) {
                    failed_index = i;
                    failure = std::current_exception();
                    end = i;
                }
            }
        }
    };

    std::vector<std::jthread> threads;
    const std::size_t helpers = std::min<std::size_t>(std::max(jobs, 1U), count);
    threads.reserve(helpers);
    try {
        for (std::size_t i = 1; i < helpers; ++i) threads.emplace_back(work);
    } catch (const std::system_error&) {
        // A limit on processes (RLIMIT_NPROC, a cgroup's pids.max): fewer threads do the same work.
    }
    work();
    threads.clear();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace smith
