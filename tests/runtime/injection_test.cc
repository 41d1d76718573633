// SPDX-License-Identifier: Apache-2.0
//
// Every system call on the way to a running container fails once, in each process that makes it. Whatever happens then,
// it is an Error or a container that runs, and nothing is left.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>

#include "base/error.h"
#include "runtime/cgroups.h"
#include "tests/runtime/failing_kernel.h"
#include "tests/runtime/test_bundle.h"

namespace smith::runtime {

TEST_CASE("a system call that fails is reported, at whatever step, and nothing is left", "[injection]") {
    TestBundle bundle;
    // Without the filter: it takes most of the time, and no further calls.
    bundle.bend = [](nlohmann::json& document) {
        document["linux"].erase("seccomp");
        document["linux"]["sysctl"] = {{"net.core.somaxconn", "321"}};
    };
    bundle.configure({"exit", "3"});
    const Belongings before = belongings();
    int failed = 0;
    int tolerated = 0;
    // The child makes most calls, and goes on from the parent's count; when fifty in a row do no harm, it is through.
    for (int at = 0, harmless = 0; harmless < 50; ++at) {
        CAPTURE(at);
        FailingKernel kernel(at);
        try {
            Container container = Container::start(bundle.path(), {{-1, -1, -1}, &kernel, {}});
            REQUIRE(container.wait() == ExitStatus{3, 0});
            ++tolerated;
            ++harmless;
        } catch (const Error& e) {
            CHECK(e.message().find("starting ") == 0);
            CHECK(e.message().find("Input/output error") != std::string::npos);
            ++failed;
            harmless = 0;
        }
        REQUIRE(belongings() == before);
    }
    CHECK(failed > 150);
    CHECK(tolerated < failed);
}

TEST_CASE("nor is anything left of cgroups, devices, copies and namespaces that were entered", "[injection]") {
    if (geteuid() != 0 || find_hierarchies().empty()) return;
    TestBundle other;
    Running holder = start_probe(other, {"pause"});
    REQUIRE(holder.line() == "ready");
    const std::string cgroup = "/smith-injection-" + std::to_string(getpid());
    TestBundle bundle;
    std::ofstream(bundle.root() / "etc/file") << "x";
    bundle.bend = [&](nlohmann::json& document) {
        auto& linux_object = document["linux"];
        linux_object.erase("seccomp");
        linux_object.erase("uidMappings");
        linux_object.erase("gidMappings");
        linux_object["namespaces"] = {
            {{"type", "mount"}},
            {{"type", "pid"}},
            {{"type", "cgroup"}},
            {{"type", "ipc"}, {"path", "/proc/" + std::to_string(holder.container.pid()) + "/ns/ipc"}}};
        document.erase("hostname");
        linux_object["cgroupsPath"] = cgroup;
        linux_object["resources"] = {{"pids", {{"limit", 50}}}, {"devices", {{{"allow", false}}}}};
        linux_object["devices"] = {{{"path", "/dev/pipe"}, {"type", "p"}, {"uid", 7}}};
        document["process"]["ioPriority"] = {{"class", "IOPRIO_CLASS_IDLE"}, {"priority", 4}};
        document["mounts"].push_back({{"destination", "/etc"}, {"type", "tmpfs"}, {"options", {"tmpcopyup"}}});
    };
    bundle.configure({"exit", "3"});
    const Belongings before = belongings();
    int failed = 0;
    // Looking for processes in a new cgroup reads many files, and takes what it cannot read for empty.
    for (int at = 0, harmless = 0; harmless < 150; ++at) {
        CAPTURE(at);
        FailingKernel kernel(at);
        try {
            Container container = Container::start(bundle.path(), {{-1, -1, -1}, &kernel, {}});
            REQUIRE(container.wait() == ExitStatus{3, 0});
            ++harmless;
        } catch (const Error& e) {
            CHECK(e.message().find("starting ") == 0);
            ++failed;
            harmless = 0;
        }
        REQUIRE(belongings() == before);
        for (const CgroupHierarchy& hierarchy : find_hierarchies()) {
            REQUIRE_FALSE(std::filesystem::exists(hierarchy.mount_point + cgroup));
        }
    }
    CHECK(failed > 150);
}

}  // namespace smith::runtime
