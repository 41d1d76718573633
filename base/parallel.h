// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

namespace smith {

/// How many threads to use when nobody said: the processors this process may run on (sched_getaffinity), at least 1.
[[nodiscard]] unsigned default_jobs();

/// Calls `body(0)` ... `body(count - 1)`, on at most `jobs` threads (the caller's is one of them), and returns when all
/// are done. When calls throw, the exception of the lowest index is rethrown, whichever thread was faster: a message
/// must not depend on timing. Indexes above one that threw may be left out.
void parallel_for(unsigned jobs, std::size_t count, const std::function<void(std::size_t)>& body);

}  // namespace smith
