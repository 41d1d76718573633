// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroups.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "runtime/cgroup_devices.h"
#include "runtime/config.h"

namespace smith::runtime {

namespace {

/// "file=value" for each write, a line each.
std::string shown(const std::vector<CgroupWrite>& writes) {
    std::string out;
    for (const CgroupWrite& write : writes) out += write.file + "=" + write.value + "\n";
    return out;
}

constexpr const char* kHybridMounts =
    "30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "32 30 0:28 /docker/a /sys/fs/cgroup/mem\\040ory rw - cgroup cgroup rw,memory\n"
    "33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

Cgroup named(const char* mounts, const char* own, const std::string& path) {
    return Cgroup::named(linux_kernel(), parse_hierarchies(mounts, own), path);
}

std::string refusal_of(const std::string& resources) {
    try {
        static_cast<void>(writes_for_v2(parse_resources(resources)));
        return "";
    } catch (const Error& e) {
        return e.message();
    }
}

}  // namespace

TEST_CASE("hierarchies of both versions are found, each with the place of this process in it", "[cgroups]") {
    const auto found = parse_hierarchies(kHybridMounts,
                                         "4:memory:/docker/a/b\n3:cpu,cpuacct:/user\n2:name=systemd:/\n0::/init\n"
                                         "9:pids:/not-mounted\nnonsense\n");
    REQUIRE(found.size() == 4);
    CHECK(found[0] == CgroupHierarchy{"", "/sys/fs/cgroup/unified", "/init"});
    CHECK(found[1] == CgroupHierarchy{"cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/user"});
    // Below what is mounted, not below the hierarchy's root; and mountinfo's escapes are undone.
    CHECK(found[2] == CgroupHierarchy{"memory", "/sys/fs/cgroup/mem ory", "/b"});
    CHECK(found[3] == CgroupHierarchy{"name=systemd", "/sys/fs/cgroup/systemd", "/"});
    CHECK(found[1].has("cpuacct"));
    CHECK_FALSE(found[1].has("cpua"));
    CHECK_FALSE(found[0].has(""));
}

TEST_CASE("an absolute cgroupsPath begins at the mount point, a relative one where the runtime is", "[cgroups]") {
    constexpr const char* own = "3:cpu,cpuacct:/user\n0::/init\n";
    const auto absolute = named(kHybridMounts, own, "/pod//x/").paths();
    CHECK(absolute.at("cpu,cpuacct") == "/sys/fs/cgroup/cpu,cpuacct/pod/x");
    CHECK(absolute.at("") == "/sys/fs/cgroup/unified/pod/x");
    const auto relative = named(kHybridMounts, own, "pod/x").paths();
    CHECK(relative.at("cpu,cpuacct") == "/sys/fs/cgroup/cpu,cpuacct/user/pod/x");
    // Where there is version 2 alone, processes and controllers exclude each other: beside the runtime, not below it.
    constexpr const char* v2 = "34 30 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    CHECK(named(v2, "0::/user.slice/shell\n", "x").paths().at("") == "/sys/fs/cgroup/user.slice/x");
}

TEST_CASE("a cgroupsPath that leads up, is the root, or is systemd's is refused", "[cgroups]") {
    CHECK_THROWS_AS(named(kHybridMounts, "0::/\n", "/a/../../b"), Error);
    CHECK_THROWS_AS(named(kHybridMounts, "0::/\n", "//."), Error);
    CHECK_THROWS_WITH(named(kHybridMounts, "0::/\n", "system.slice:railcar:a"), Catch::Contains("systemd"));
}

TEST_CASE("a directory that is not on a cgroup file system is never written to", "[cgroups]") {
    const Cgroup fake(linux_kernel(), {{"memory", "/tmp"}});
    CHECK_THROWS_WITH(fake.add(1), Catch::Contains("is not on a cgroup file system"));
    CHECK_THROWS_AS(Cgroup(linux_kernel(), {{"memory", "relative"}}), Error);
}

TEST_CASE("limits become files of version 1, in the order that the kernel needs", "[cgroups]") {
    const Resources some = parse_resources(R"({
        "memory": {"limit": 100, "reservation": 50, "swap": 200, "swappiness": 60, "disableOOMKiller": true},
        "cpu": {"shares": 512, "quota": 5000, "period": 10000, "cpus": "0-1", "mems": "0"},
        "pids": {"limit": 0}, "blockIO": {"weight": 300, "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}]},
        "hugepageLimits": [{"pageSize": "2MB", "limit": 9}],
        "network": {"classID": 7, "priorities": [{"name": "eth0", "priority": 5}]},
        "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10}}})");
    CHECK(shown(writes_for_v1(some)) ==
          "memory.limit_in_bytes=100\nmemory.memsw.limit_in_bytes=200\nmemory.soft_limit_in_bytes=50\n"
          "memory.swappiness=60\nmemory.oom_control=1\n"
          "cpu.shares=512\ncpu.cfs_period_us=10000\ncpu.cfs_quota_us=5000\ncpuset.cpus=0-1\ncpuset.mems=0\n"
          "blkio.weight=300\nblkio.throttle.read_bps_device=8:0 600\npids.max=0\n"
          "hugetlb.2MB.rsvd.limit_in_bytes=9\nnet_cls.classid=7\nnet_prio.ifpriomap=eth0 5\n"
          "rdma.max=mlx5_1 hca_handle=3 hca_object=10\n");
    // "No limit" of memory alone means none of the sum either.
    CHECK(shown(writes_for_v1(parse_resources(R"({"memory": {"limit": -1}})"))) ==
          "memory.memsw.limit_in_bytes=-1\nmemory.limit_in_bytes=-1\n");
}

TEST_CASE("limits become files of version 2", "[cgroups]") {
    const Resources some = parse_resources(R"({
        "memory": {"limit": 100, "reservation": 50, "swap": 150, "kernel": -1, "disableOOMKiller": false},
        "cpu": {"shares": 1024, "quota": 5000, "period": 10000, "burst": 100, "idle": 0},
        "pids": {"limit": -1}, "blockIO": {"weight": 10, "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 3}]},
        "unified": {"memory.high": "70", "cgroup.max.depth": "3"}})");
    CHECK(shown(writes_for_v2(some)) ==
          "memory.max=100\nmemory.swap.max=50\nmemory.low=50\ncpu.weight=100\ncpu.max=5000 10000\ncpu.max.burst=100\n"
          "cpu.idle=0\nio.bfq.weight=10\nio.max=8:16 wiops=3\npids.max=max\ncgroup.max.depth=3\nmemory.high=70\n");
}

TEST_CASE("what version 2 has no equivalent of is refused by its name", "[cgroups]") {
    CHECK(refusal_of(R"({"memory": {"swappiness": 5}})").find("'linux.resources.memory.swappiness'") == 0);
    CHECK(refusal_of(R"({"memory": {"kernel": 5}})").find("'linux.resources.memory.kernel'") == 0);
    CHECK(refusal_of(R"({"network": {"classID": 5}})").find("'linux.resources.network.classID'") == 0);
    CHECK(refusal_of(R"({"cpu": {"realtimeRuntime": 5}})").find("'linux.resources.cpu.realtimeRuntime'") == 0);
    CHECK(refusal_of(R"({"memory": {"swap": 5}})").find("without a 'limit'") != std::string::npos);
    CHECK(refusal_of(R"({"memory": {"limit": 9, "swap": 5}})").find("below 'limit'") != std::string::npos);
}

TEST_CASE("in a hybrid host version 2 gets only what no version 1 controller takes", "[cgroups]") {
    const Resources all = parse_resources(R"({"memory": {"limit": 1}, "cpu": {"shares": 2, "cpus": "0"},
        "pids": {"limit": 3}, "hugepageLimits": [{"pageSize": "2MB", "limit": 9}]})");
    const Resources rest = left_for_v2(all, [](std::string_view controller) {
        return controller == "memory" || controller == "cpu" || controller == "pids";
    });
    CHECK(shown(writes_for_v2(rest)) == "cpuset.cpus=0\nhugetlb.2MB.rsvd.max=9\n");
}

TEST_CASE("a resource that would be another file or another line is refused", "[cgroups]") {
    for (const char* text :
         {R"({"unified": {"../x": "1"}})", R"({"unified": {"": "1"}})", R"({"cpu": {"cpus": "0\n1"}})",
          R"({"hugepageLimits": [{"pageSize": "2MB/../x", "limit": 1}]})",
          R"({"network": {"priorities": [{"name": "e 1\n", "priority": 1}]}})",
          R"({"devices": [{"allow": true, "access": "rwx"}]})", R"({"devices": [{"type": "p"}]})",
          R"({"rdma": {"a b": {"hcaHandles": 1}}})", R"({"memory": {"limit": "5"}})"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_resources(text), Error);
    }
}

TEST_CASE("device rules become lines of version 1", "[cgroups]") {
    const auto rules = parse_resources(R"({"devices": [{"allow": false, "access": "rwm"},
        {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"},
        {"allow": true, "type": "b", "major": 8, "minor": -1, "access": "r"},
        {"allow": true, "major": 7, "access": "m"}]})")
                           .devices;
    REQUIRE(rules.size() == 4);
    CHECK(device_lines(rules[0]) == std::vector<std::string>{"a"});
    CHECK(device_lines(rules[1]) == std::vector<std::string>{"c 10:229 rw"});
    CHECK(device_lines(rules[2]) == std::vector<std::string>{"b 8:* r"});
    CHECK(device_lines(rules[3]) == std::vector<std::string>{"b 7:* m", "c 7:* m"});
}

}  // namespace smith::runtime
