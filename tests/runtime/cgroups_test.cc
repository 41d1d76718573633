// SPDX-License-Identifier: Apache-2.0
//
// Cgroups of this host: whichever version it has, where this process may make any.
#include "runtime/cgroups.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "runtime/cgroup_devices.h"
#include "runtime/container_cgroups.h"
#include "tests/runtime/test_bundle.h"

namespace smith::runtime {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::string unique_name() { return "/smith-test-" + std::to_string(getpid()); }

/// Says why the rest of a test has nothing to look at.
bool can_have_cgroups() {
    Cgroup cgroup = Cgroup::named(linux_kernel(), find_hierarchies(), unique_name());
    const bool could = !cgroup.empty() && cgroup.create_if_allowed();
    if (could) REQUIRE(cgroup.remove());
    if (!could) WARN("this process may make no cgroup here");
    return could;
}

bool has_controller(const char* name) {
    const auto hierarchies = find_hierarchies();
    if (std::any_of(hierarchies.begin(), hierarchies.end(), [&](const auto& h) { return h.has(name); })) return true;
    return hierarchies.size() == 1 &&
           contents_of(hierarchies.front().mount_point + "/cgroup.controllers").find(name) != std::string::npos;
}

std::function<void(json&)> in_cgroup(json resources) {
    return [resources](json& document) {
        document["linux"]["cgroupsPath"] = unique_name();
        document["linux"]["resources"] = resources;
    };
}

/// A program that allows everything, without a name.
void attach_as_somebody_else(const std::string& directory) {
    const std::vector<std::uint64_t> program = device_program({});
    union bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = reinterpret_cast<std::uintptr_t>(program.data());
    attributes.insn_cnt = static_cast<__u32>(program.size());
    attributes.license = reinterpret_cast<std::uintptr_t>("GPL");
    const UniqueFd loaded(static_cast<int>(linux_kernel().load_bpf(BPF_PROG_LOAD, &attributes, sizeof attributes)));
    REQUIRE(loaded);
    const UniqueFd cgroup = open_file(directory, O_RDONLY | O_DIRECTORY);
    std::memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = static_cast<__u32>(cgroup.get());
    attributes.attach_bpf_fd = static_cast<__u32>(loaded.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    REQUIRE(linux_kernel().load_bpf(BPF_PROG_ATTACH, &attributes, sizeof attributes) >= 0);
}

unsigned programs_at(const std::string& directory) {
    const UniqueFd cgroup = open_file(directory, O_RDONLY | O_DIRECTORY);
    std::array<std::uint32_t, 64> ids{};
    union bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.query.target_fd = static_cast<__u32>(cgroup.get());
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    attributes.query.prog_cnt = ids.size();
    REQUIRE(linux_kernel().load_bpf(BPF_PROG_QUERY, &attributes, sizeof attributes) >= 0);
    return attributes.query.prog_cnt;
}

bool nothing_is_left() {
    for (const CgroupHierarchy& hierarchy : find_hierarchies()) {
        if (fs::exists(hierarchy.mount_point + unique_name())) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("a container is in its cgroup, sees it as the root, and leaves nothing of it", "[cgroups]") {
    if (!can_have_cgroups()) return;
    TestBundle bundle;
    bundle.bend = in_cgroup({{"pids", {{"limit", 20}}}});
    {
        Running running = start_probe(bundle, {"pause"});
        CHECK(running.line() == "ready");
        const std::string outside = contents_of("/proc/" + std::to_string(running.container.pid()) + "/cgroup");
        for (const CgroupHierarchy& hierarchy : find_hierarchies()) {
            CAPTURE(outside, hierarchy.name);
            CHECK(outside.find(":" + hierarchy.name + ":" + unique_name() + "\n") != std::string::npos);
        }
    }
    CHECK(nothing_is_left());
    const std::string inside = bundle.ask({"cat", "/proc/self/cgroup"});
    CHECK(inside.find("smith-test") == std::string::npos);
    CHECK(nothing_is_left());
}

TEST_CASE("limits are set before the program runs", "[cgroups]") {
    if (!can_have_cgroups()) return;
    TestBundle bundle;
    bundle.bend = in_cgroup({{"memory", {{"limit", 50593792}, {"swap", 50593792}}},
                             {"cpu", {{"shares", 512}, {"quota", 50000}, {"period", 100000}, {"cpus", "0"}}},
                             {"pids", {{"limit", 20}}}});
    Running running = start_probe(bundle, {"pause"});
    CHECK(running.line() == "ready");
    const Cgroup cgroup = Cgroup::named(linux_kernel(), find_hierarchies(), unique_name());
    const bool v2 = cgroup.unified();
    CHECK(cgroup.read(v2 ? "" : "memory", v2 ? "memory.max" : "memory.limit_in_bytes") == "50593792\n");
    CHECK(cgroup.read(v2 ? "" : "pids", "pids.max") == "20\n");
    CHECK(cgroup.read(v2 ? "" : "cpuset", "cpuset.cpus") == "0\n");
    // And lowered and raised again while it runs, in whichever order that takes.
    std::vector<std::string> warnings;
    for (const char* limit : {"30593024", "60592128"}) {
        update_cgroups(cgroup.paths(), {},
                       std::string(R"({"memory": {"limit": )") + limit + R"(, "swap": )" + limit + "}}", warnings);
        CHECK(cgroup.read(v2 ? "" : "memory", v2 ? "memory.max" : "memory.limit_in_bytes") ==
              std::string(limit) + "\n");
    }
    CHECK(warnings.empty());
    CHECK(cgroup_statistics(cgroup.paths()).find(R"("current":1)") != std::string::npos);
    CHECK(out_of_memory_count(cgroup.paths()) == 0);
}

TEST_CASE("a frozen cgroup stops, and dies all the same", "[cgroups]") {
    if (!can_have_cgroups()) return;
    TestBundle bundle;
    bundle.bend = in_cgroup(json::object());
    Running running = start_probe(bundle, {"cling"});
    CHECK(running.line() == "ready");
    const Cgroup cgroup = Cgroup::named(linux_kernel(), find_hierarchies(), unique_name());
    CHECK(cgroup.processes().size() == 4);
    cgroup.freeze();
    CHECK(cgroup.frozen());
    cgroup.thaw();
    CHECK_FALSE(cgroup.frozen());
    cgroup.freeze();
    cgroup.kill(SIGKILL);
    CHECK(running.container.wait().signal == SIGKILL);
    CHECK(nothing_is_left());
}

TEST_CASE("a cgroup that has processes or is frozen takes no second container", "[cgroups]") {
    if (!can_have_cgroups()) return;
    TestBundle bundle;
    bundle.bend = in_cgroup(json::object());
    Running running = start_probe(bundle, {"pause"});
    CHECK(running.line() == "ready");
    CHECK(bundle.refusal({"exit", "0"}).find("has processes already") != std::string::npos);
    // The one that was there first is not harmed.
    CHECK_FALSE(running.container.wait_for(std::chrono::milliseconds(0)));
}

TEST_CASE("device rules hold", "[cgroups]") {
    if (!can_have_cgroups() || geteuid() != 0) return;
    TestBundle bundle;
    bundle.parameters.mappings = {{{0, 0, 1}}, {{0, 0, 1}}};
    bundle.bend = [](json& document) {
        in_cgroup({{"devices", {{{"allow", false}, {"access", "rwm"}}}}})(document);
        document["linux"]["devices"] = {{{"path", "/dev/kmsg"}, {"type", "c"}, {"major", 1}, {"minor", 11}}};
    };
    CHECK(bundle.ask({"cat", "/dev/kmsg"}) == "EPERM");
    CHECK(bundle.ask({"write", "/dev/null"}) == "ok");
}

TEST_CASE("device rules as a program of version 2 are taken by the kernel and replaced", "[cgroups]") {
    if (!can_have_cgroups() || geteuid() != 0) return;
    const Cgroup all = Cgroup::named(linux_kernel(), find_hierarchies(), unique_name() + "-bpf");
    if (!all.paths().contains("")) return;
    all.create();
    const Cgroup unified(linux_kernel(), {{"", all.paths().at("")}});
    const auto rules = parse_resources(R"({"devices": [{"allow": false}, {"allow": true, "type": "c", "major": 1,
        "minor": 11, "access": "r"}, {"allow": false, "type": "c", "major": 1, "minor": 3, "access": "w"}]})")
                           .devices;
    // Twice: the second is in the place of the first, and of nobody else's, such as systemd's.
    attach_as_somebody_else(all.paths().at(""));
    unified.restrict_devices(rules);
    unified.restrict_devices(rules);
    CHECK(programs_at(all.paths().at("")) == 2);
    CHECK(all.remove());
}

TEST_CASE("a controller that this host does not have is named", "[cgroups]") {
    if (!can_have_cgroups() || has_controller("rdma")) return;
    TestBundle bundle;
    bundle.bend = in_cgroup({{"rdma", {{"mlx5_1", {{"hcaHandles", 1}}}}}});
    const std::string refusal = bundle.refusal({"exit", "0"});
    CAPTURE(refusal);
    CHECK(refusal.find("rdma") != std::string::npos);
    CHECK(nothing_is_left());
}

TEST_CASE("an ordinary user without a cgroup of his own is told that limits do not hold", "[cgroups]") {
    if (geteuid() == 0 || can_have_cgroups()) return;
    TestBundle bundle;
    bundle.bend = in_cgroup({{"pids", {{"limit", 20}}}});
    const Running running = start_probe(bundle, {"exit", "0"});
    REQUIRE(running.container.warnings().size() == 1);
    CHECK(running.container.warnings().front().find("ignoring") != std::string::npos);
}

}  // namespace smith::runtime
