// SPDX-License-Identifier: Apache-2.0
#include "runtime/features.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "runtime/caps.h"
#include "runtime/mount_options.h"
#include "runtime/seccomp.h"
#include "runtime/state.h"
#include "runtime/systemd_unit.h"

namespace smith::runtime {

namespace {

using nlohmann::json;

json capabilities() {
    json out = json::array();
    for (unsigned number = 0; number < capability_count(); ++number) out.push_back(capability_name(number));
    return out;
}

json seccomp() {
    return {{"enabled", true},
            {"actions",
             {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
              "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"}},
            {"operators",
             {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ",
              "SCMP_CMP_NE"}},
            {"archs", seccomp_architecture_names()},
            {"knownFlags", seccomp_flag_names()},
            {"supportedFlags", seccomp_flag_names()}};
}

json linux_features() {
    return {{"namespaces", {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}},
            {"capabilities", capabilities()},
            {"cgroup", {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", true}, {"rdma", true}}},
            {"seccomp", seccomp()},
            {"apparmor", {{"enabled", true}}},
            {"selinux", {{"enabled", true}}},
            {"intelRdt", {{"enabled", true}, {"schemata", true}, {"monitoring", true}}},
            {"memoryPolicy",
             {{"modes",
               {"MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED_MANY",
                "MPOL_WEIGHTED_INTERLEAVE"}},
              {"flags", {"MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES", "MPOL_F_NUMA_BALANCING"}}}},
            {"mountExtensions", {{"idmap", {{"enabled", true}}}}},
            {"netDevices", {{"enabled", true}}}};
}

}  // namespace

std::string features_as_json() {
    const json document = {
        {"ociVersionMin", "1.0.0"},
        {"ociVersionMax", kOciVersion},
        {"hooks", {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
        {"mountOptions", mount_option_names()},
        {"potentiallyUnsafeConfigAnnotations", {kSystemdAnnotation}},
        {"linux", linux_features()}};
    return dump_json_pretty(document);
}

}  // namespace smith::runtime
