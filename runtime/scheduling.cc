// SPDX-License-Identifier: Apache-2.0
#include "runtime/scheduling.h"

#include <algorithm>
#include <charconv>

namespace smith::runtime {

namespace {

// The kernel's largest configurations have 8192 processors and 1024 nodes; the file formats stop at 4096 all the same.
constexpr unsigned kHighestBit = 4095;
constexpr unsigned kBits = 8 * sizeof(unsigned long);

}  // namespace

std::optional<std::vector<unsigned long>> bits_of_list(const std::string& list) {
    std::vector<unsigned long> out;
    const char* at = list.data();
    const char* end = list.data() + list.size();
    while (at != end) {
        unsigned first = 0;
        const auto [after_first, error] = std::from_chars(at, end, first);
        if (error != std::errc()) return std::nullopt;
        unsigned last = first;
        at = after_first;
        if (at != end && *at == '-') {
            const auto [after_last, last_error] = std::from_chars(at + 1, end, last);
            if (last_error != std::errc()) return std::nullopt;
            at = after_last;
        }
        if (last < first || last > kHighestBit) return std::nullopt;
        out.resize(std::max<std::size_t>(out.size(), last / kBits + 1));
        for (unsigned bit = first; bit <= last; ++bit) out[bit / kBits] |= 1UL << (bit % kBits);
        if (at == end) break;
        if (*at != ',' || ++at == end) return std::nullopt;
    }
    return out;
}

Result apply_scheduling(Kernel& kernel, const SchedulingConfig& config) noexcept {
    if (config.personality) {
        const Result set = kernel.set_personality(*config.personality);
        if (set < 0) return set;
    }
    if (config.scheduler) {
        SchedulerAttributes attributes = *config.scheduler;
        const Result set = kernel.set_scheduler(&attributes);
        if (set < 0) return set;
    }
    if (config.io_priority) {
        const Result set = kernel.set_io_priority(*config.io_priority);
        if (set < 0) return set;
    }
    if (config.memory_policy) {
        const auto& nodes = config.memory_policy->nodes;
        // The kernel counts one bit less than it is told.
        const Result set = kernel.set_memory_policy(config.memory_policy->mode, nodes.empty() ? nullptr : nodes.data(),
                                                    nodes.empty() ? 0 : nodes.size() * kBits + 1);
        if (set < 0) return set;
    }
    return 0;
}

}  // namespace smith::runtime
