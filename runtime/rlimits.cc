// SPDX-License-Identifier: Apache-2.0
#include "runtime/rlimits.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace smith::runtime {

namespace {

struct Name {
    std::string_view name;
    int resource;
};

constexpr std::array kNames = {
    Name{"RLIMIT_AS", RLIMIT_AS},
    Name{"RLIMIT_CORE", RLIMIT_CORE},
    Name{"RLIMIT_CPU", RLIMIT_CPU},
    Name{"RLIMIT_DATA", RLIMIT_DATA},
    Name{"RLIMIT_FSIZE", RLIMIT_FSIZE},
    Name{"RLIMIT_LOCKS", RLIMIT_LOCKS},
    Name{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    Name{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    Name{"RLIMIT_NICE", RLIMIT_NICE},
    Name{"RLIMIT_NOFILE", RLIMIT_NOFILE},
    Name{"RLIMIT_NPROC", RLIMIT_NPROC},
    Name{"RLIMIT_RSS", RLIMIT_RSS},
    Name{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    Name{"RLIMIT_RTTIME", RLIMIT_RTTIME},
    Name{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    Name{"RLIMIT_STACK", RLIMIT_STACK},
};

}  // namespace

std::optional<int> limit_resource(std::string_view name) noexcept {
    const auto it = std::find_if(kNames.begin(), kNames.end(), [&](const Name& known) { return known.name == name; });
    if (it == kNames.end()) return std::nullopt;
    return it->resource;
}

void raise_hard_limits(Kernel& kernel, pid_t child, const std::vector<ResourceLimit>& limits) {
    for (const ResourceLimit& limit : limits) {
        rlimit current{};
        Result result = kernel.set_limit(child, limit.resource, nullptr, &current);
        if (result == 0 && limit.hard > current.rlim_max) {
            current.rlim_max = limit.hard;
            result = kernel.set_limit(child, limit.resource, &current);
        }
        if (result < 0) {
            throw system_error(static_cast<int>(-result),
                               "raising the hard limit of " + limit.name + " to " + std::to_string(limit.hard));
        }
    }
}

Result set_limits(Kernel& kernel, const std::vector<ResourceLimit>& limits, std::uint32_t& item) noexcept {
    item = 0;
    for (const ResourceLimit& limit : limits) {
        const rlimit wanted{limit.soft, limit.hard};
        const Result result = kernel.set_limit(0, limit.resource, &wanted);
        if (result < 0) return result;
        ++item;
    }
    return 0;
}

}  // namespace smith::runtime
