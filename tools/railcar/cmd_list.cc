// SPDX-License-Identifier: Apache-2.0
//
// railcar list [--format table|json] [--quiet]
#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "tools/railcar/lifecycle.h"
#include "tools/railcar/log.h"

namespace smith::railcar {

using namespace runtime;

namespace {

std::vector<ListedContainer> all_containers(const Global& global) {
    std::vector<ListedContainer> out;
    for (const std::string& id : StateDirectory::ids(global.root)) {
        try {
            Found found = find_container(global, id);
            out.push_back({std::move(found.state), found.status});
        } catch (const Error& e) {
            // Deleted a moment ago, or not created yet. One that cannot be read does not hide the others.
            if (!e.is_not_found()) program_log().warning(quote(id) + ": " + e.message());
        }
    }
    return out;
}

void print_table(const std::vector<ListedContainer>& containers) {
    std::size_t id_width = 2;
    std::size_t bundle_width = 6;
    for (const ListedContainer& entry : containers) {
        id_width = std::max(id_width, entry.state.id.size());
        bundle_width = std::max(bundle_width, entry.state.bundle.size());
    }
    const auto print = [&](const char* id, const char* pid, const char* status, const char* bundle, const char* created,
                           const char* owner) {
        std::printf("%-*s   %-10s   %-8s   %-*s   %-30s   %s\n", static_cast<int>(id_width), id, pid, status,
                    static_cast<int>(bundle_width), bundle, created, owner);
    };
    print("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER");
    for (const ListedContainer& entry : containers) {
        const ContainerState& state = entry.state;
        const int pid = entry.status == Status::stopped ? 0 : state.process.pid;
        const std::string owner = "#" + std::to_string(state.owner);
        print(state.id.c_str(), std::to_string(pid).c_str(), std::string(status_name(entry.status)).c_str(),
              state.bundle.c_str(), state.created_at.c_str(), state.owner == 0 ? "root" : owner.c_str());
    }
}

}  // namespace

int command_list(const Global& global, const Words& words) {
    std::string format = "table";
    bool quiet = false;
    const Words rest = parse_options(words, {option("format", 'f', format), flag("quiet", 'q', quiet)});
    if (!rest.empty()) usage("'list' takes no " + quote(rest.front()));
    if (format != "table" && format != "json") usage("--format is 'table' or 'json'");
    const std::vector<ListedContainer> containers = all_containers(global);
    if (quiet) {
        for (const ListedContainer& entry : containers) std::printf("%s\n", entry.state.id.c_str());
    } else if (format == "json") {
        std::fputs(list_as_json(containers).c_str(), stdout);
    } else {
        print_table(containers);
    }
    return 0;
}

}  // namespace smith::railcar
