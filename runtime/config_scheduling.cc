// SPDX-License-Identifier: Apache-2.0
//
// The parts of `process` and `linux` about how the kernel runs the process (see scheduling.h).
#include <sched.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "runtime/config_parts.h"

namespace smith::runtime {

namespace {

struct Word {
    std::string_view name;
    std::uint64_t value;
};

std::uint64_t lookup(const auto& words, const JsonView& name, const char* what) {
    const std::string text = name.string();
    for (const Word& word : words) {
        if (word.name == text) return word.value;
    }
    name.fail("is " + quote(text) + ", which is not " + what);
}

constexpr std::array kPolicies = {
    Word{"SCHED_OTHER", SCHED_OTHER}, Word{"SCHED_FIFO", SCHED_FIFO}, Word{"SCHED_RR", SCHED_RR},
    Word{"SCHED_BATCH", SCHED_BATCH}, Word{"SCHED_ISO", 4},           Word{"SCHED_IDLE", SCHED_IDLE},
    Word{"SCHED_DEADLINE", 6}};
constexpr std::array kSchedulerFlags = {Word{"SCHED_FLAG_RESET_ON_FORK", 0x01}, Word{"SCHED_FLAG_RECLAIM", 0x02},
                                        Word{"SCHED_FLAG_DL_OVERRUN", 0x04},    Word{"SCHED_FLAG_KEEP_POLICY", 0x08},
                                        Word{"SCHED_FLAG_KEEP_PARAMS", 0x10},   Word{"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
                                        Word{"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}};
constexpr std::array kIoClasses = {Word{"IOPRIO_CLASS_RT", 1}, Word{"IOPRIO_CLASS_BE", 2},
                                   Word{"IOPRIO_CLASS_IDLE", 3}};
constexpr unsigned kIoClassShift = 13;

// linux/mempolicy.h, of which older headers lack the newest.
constexpr std::array kMemoryModes = {Word{"MPOL_DEFAULT", 0},
                                     Word{"MPOL_PREFERRED", 1},
                                     Word{"MPOL_BIND", 2},
                                     Word{"MPOL_INTERLEAVE", 3},
                                     Word{"MPOL_LOCAL", 4},
                                     Word{"MPOL_PREFERRED_MANY", 5},
                                     Word{"MPOL_WEIGHTED_INTERLEAVE", 6}};
constexpr std::array kMemoryFlags = {Word{"MPOL_F_STATIC_NODES", 1U << 15U}, Word{"MPOL_F_RELATIVE_NODES", 1U << 14U},
                                     Word{"MPOL_F_NUMA_BALANCING", 1U << 13U}};

std::vector<unsigned long> parse_bits(const JsonView& list) {
    const auto bits = bits_of_list(list.string_or(""));
    if (!bits) list.fail("is no list of numbers, as '0-3,7' is");
    return *bits;
}

SchedulerAttributes parse_scheduler(const JsonView& scheduler) {
    SchedulerAttributes out;
    out.policy = static_cast<std::uint32_t>(lookup(kPolicies, scheduler["policy"], "a scheduling policy"));
    if (scheduler["nice"].present()) out.nice = static_cast<std::int32_t>(scheduler["nice"].integer(-20, 19));
    if (scheduler["priority"].present()) {
        out.priority = static_cast<std::uint32_t>(scheduler["priority"].integer(0, 99));
    }
    for (const JsonView& flag : scheduler["flags"].elements()) {
        out.flags |= lookup(kSchedulerFlags, flag, "a scheduling flag");
    }
    const auto time = [&](const char* key, std::uint64_t& value) {
        if (scheduler[key].present()) value = scheduler[key].unsigned_integer(UINT64_MAX);
    };
    time("runtime", out.runtime_ns);
    time("deadline", out.deadline_ns);
    time("period", out.period_ns);
    return out;
}

int parse_io_priority(const JsonView& priority) {
    const std::uint64_t io_class = lookup(kIoClasses, priority["class"], "an I/O priority class");
    return static_cast<int>(io_class << kIoClassShift | priority["priority"].unsigned_integer(7));
}

}  // namespace

SchedulingConfig parse_scheduling(const JsonView& process) {
    SchedulingConfig out;
    if (process["scheduler"].present()) out.scheduler = parse_scheduler(process["scheduler"]);
    if (process["ioPriority"].present()) out.io_priority = parse_io_priority(process["ioPriority"]);
    out.initial_processors = parse_bits(process["execCPUAffinity"]["initial"]);
    out.final_processors = parse_bits(process["execCPUAffinity"]["final"]);
    return out;
}

void parse_linux_scheduling(const JsonView& linux_object, SchedulingConfig& out) {
    const JsonView personality = linux_object["personality"];
    if (personality.present()) {
        constexpr std::array domains = {Word{"LINUX", 0}, Word{"LINUX32", 8}};
        out.personality = lookup(domains, personality["domain"], "an execution domain");
        personality["flags"].refuse_if_present();
    }
    const JsonView policy = linux_object["memoryPolicy"];
    if (!policy.present()) return;
    MemoryPolicy parsed;
    parsed.mode = static_cast<int>(lookup(kMemoryModes, policy["mode"], "a memory policy"));
    for (const JsonView& flag : policy["flags"].elements()) {
        parsed.mode |= static_cast<int>(lookup(kMemoryFlags, flag, "a flag of memory policies"));
    }
    parsed.nodes = parse_bits(policy["nodes"]);
    out.memory_policy = std::move(parsed);
}

}  // namespace smith::runtime
