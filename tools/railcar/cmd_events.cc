// SPDX-License-Identifier: Apache-2.0
//
// railcar events [--interval SECONDS] [--stats] ID: one JSON object a line.
#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "base/error.h"
#include "tools/railcar/lifecycle.h"

namespace smith::railcar {

using namespace runtime;

namespace {

void print_event(const char* type, const std::string& id, const std::string& data) {
    // The id has nothing in it that JSON would have to escape.
    std::printf("{\"type\":\"%s\",\"id\":\"%s\"%s%s}\n", type, id.c_str(),
                data.empty() ? "" : ",\"data\":", data.c_str());
    std::fflush(stdout);
}

/// "5s", "500ms", "1m", as Go writes durations; bare digits are seconds.
int milliseconds(const std::string& text) {
    const std::size_t unit = std::min(text.find_first_not_of("0123456789"), text.size());
    constexpr std::uint64_t most = 1'000'000;
    const std::uint64_t count = parse_number(std::string_view(text).substr(0, unit), "--interval", most);
    const std::string name = text.substr(unit);
    const std::uint64_t factor = name == "ms" ? 1 : name == "s" || name.empty() ? 1000 : name == "m" ? 60'000 : 0;
    if (factor == 0 || count == 0 || count * factor > INT32_MAX) usage("--interval is " + quote(text));
    return static_cast<int>(count * factor);
}

}  // namespace

int command_events(const Global& global, const Words& words) {
    std::string interval = "5s";
    bool once = false;
    const Words rest = parse_options(words, {option("interval", 0, interval), flag("stats", 0, once)});
    const std::string id = only_id(rest, "events");
    const int pause = milliseconds(interval);
    const Found found = find_container(global, id);
    need_running(found, true);
    if (once) {
        print_event("stats", id, cgroup_statistics(found.state.cgroups));
        return 0;
    }
    for (std::uint64_t out_of_memory = out_of_memory_count(found.state.cgroups);;) {
        pollfd end{found.pidfd.get(), POLLIN, 0};
        const int ended = poll(&end, 1, pause);
        const std::uint64_t now = out_of_memory_count(found.state.cgroups);
        if (now > out_of_memory) print_event("oom", id, "");
        out_of_memory = now;
        if (ended > 0) return 0;
        print_event("stats", id, cgroup_statistics(found.state.cgroups));
    }
}

}  // namespace smith::railcar
