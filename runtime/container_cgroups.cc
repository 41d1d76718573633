// SPDX-License-Identifier: Apache-2.0
//
// So far the parser refuses every configuration that asks for a cgroup, so that no container has one.
#include "runtime/container_cgroups.h"

#include "base/error.h"

namespace smith::runtime {

namespace {

void need(const CgroupPaths& paths) {
    if (paths.empty()) throw Error(ErrorKind::spec, "the container has no cgroup of its own");
    throw Error(ErrorKind::spec, "cgroups are not supported yet");
}

}  // namespace

CgroupPaths create_cgroups(const RuntimeConfig&, const CgroupRequest&, pid_t) { return {}; }

void join_cgroups(const CgroupPaths& paths, pid_t) {
    if (!paths.empty()) need(paths);
}

std::vector<pid_t> processes_in(const CgroupPaths& paths) {
    need(paths);
    return {};
}

void freeze_cgroups(const CgroupPaths& paths, bool) { need(paths); }

bool is_frozen(const CgroupPaths&) { return false; }

void update_cgroups(const CgroupPaths& paths, std::string_view) { need(paths); }

std::string cgroup_statistics(const CgroupPaths& paths) {
    need(paths);
    return "";
}

std::uint64_t out_of_memory_count(const CgroupPaths&) { return 0; }

void remove_cgroups(const CgroupPaths& paths) {
    if (!paths.empty()) need(paths);
}

}  // namespace smith::runtime
