// SPDX-License-Identifier: Apache-2.0
//
// railcar update --resources FILE ID: changes the limits of a container that runs.
#include <unistd.h>

#include "base/bounds.h"
#include "base/error.h"
#include "tools/railcar/lifecycle.h"
#include "tools/railcar/log.h"

namespace smith::railcar {

using namespace runtime;

namespace {

/// One option of runc's and the field of `linux.resources` that it means.
struct Limit {
    const char* option;
    const char* object;
    const char* field;
    bool is_text = false;
};

constexpr Limit kLimits[] = {
    {"memory", "memory", "limit"},
    {"memory-reservation", "memory", "reservation"},
    {"memory-swap", "memory", "swap"},
    {"cpu-period", "cpu", "period"},
    {"cpu-quota", "cpu", "quota"},
    {"cpu-burst", "cpu", "burst"},
    {"cpu-share", "cpu", "shares"},
    {"cpu-rt-period", "cpu", "realtimePeriod"},
    {"cpu-rt-runtime", "cpu", "realtimeRuntime"},
    {"cpu-idle", "cpu", "idle"},
    {"cpuset-cpus", "cpu", "cpus", true},
    {"cpuset-mems", "cpu", "mems", true},
    {"pids-limit", "pids", "limit"},
    {"blkio-weight", "blockIO", "weight"},
};
constexpr std::size_t kLimitCount = sizeof kLimits / sizeof kLimits[0];

bool is_integer(const std::string& text) {
    const std::size_t sign = text.starts_with('-') ? 1 : 0;
    return text.size() > sign && text.size() < 20 && text.find_first_not_of("0123456789", sign) == std::string::npos;
}

/// Text of a cpuset: digits, commas and ranges; nothing that JSON would have to escape.
bool is_cpu_list(const std::string& text) { return text.find_first_not_of("0123456789,-") == std::string::npos; }

std::string resources_of(const std::string (&values)[kLimitCount]) {
    std::string out;
    std::string object;
    for (std::size_t i = 0; i < kLimitCount; ++i) {
        if (values[i].empty()) continue;
        if (!(kLimits[i].is_text ? is_cpu_list(values[i]) : is_integer(values[i]))) {
            usage("--" + std::string(kLimits[i].option) + " is " + quote(values[i]));
        }
        const bool same = object == kLimits[i].object;
        out += same ? "," : (out.empty() ? "" : "},");
        if (!same) out += "\"" + std::string(object = kLimits[i].object) + "\":{";
        out += "\"" + std::string(kLimits[i].field) + "\":";
        out += kLimits[i].is_text ? "\"" + values[i] + "\"" : values[i];
    }
    return "{" + out + (out.empty() ? "}" : "}}");
}

std::string read_resources(const std::string& file) {
    if (file == "-") return read_to_end(STDIN_FILENO, limits::kMaxConfigBytes);
    return read_file(file, limits::kMaxConfigBytes);
}

}  // namespace

int command_update(const Global& global, const Words& words) {
    std::string file;
    std::string values[kLimitCount];
    std::vector<Option> options = {option("resources", 'r', file)};
    for (std::size_t i = 0; i < kLimitCount; ++i) options.push_back(option(kLimits[i].option, 0, values[i]));
    const std::string id = only_id(parse_options(words, options), "update");
    const std::string resources = file.empty() ? resources_of(values) : read_resources(file);
    const Found found = find_container(global, id, true);
    need_running(found, true);
    std::vector<std::string> warnings;
    update_cgroups(found.state.cgroups, found.state.systemd_unit, resources, warnings);
    for (const std::string& warning : warnings) program_log().warning(warning);
    return 0;
}

}  // namespace smith::railcar
