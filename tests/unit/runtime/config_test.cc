// SPDX-License-Identifier: Apache-2.0
#include "runtime/config.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "base/bounds.h"
#include "tests/unit/runtime/documents.h"

namespace smith::runtime {

using nlohmann::json;

TEST_CASE("a small configuration is parsed, and what it leaves out has the specification's meaning", "[config]") {
    const RuntimeConfig config = parse_config(small_document().dump());
    CHECK(config.process.uid == 10);
    CHECK(config.process.args == std::vector<std::string>{"/bin/true"});
    CHECK(config.process.umask == 022);
    CHECK(config.process.capabilities == Capabilities{});
    CHECK_FALSE(config.process.no_new_privileges);
    CHECK_FALSE(config.root_readonly);
    CHECK_FALSE(config.seccomp.has_value());
    CHECK(config.namespaces == (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS));
    CHECK(config.uid_mappings == std::vector<IdMap>{{0, 1000, 100}});
}

TEST_CASE("everything that is supported is parsed", "[config]") {
    json document = small_document();
    document["hostname"] = "box";
    document["domainname"] = "example";
    document["root"]["readonly"] = true;
    document["annotations"] = {{"org.example", "1"}};
    document["process"]["env"] = {"A=1", "B="};
    document["process"]["noNewPrivileges"] = true;
    document["process"]["oomScoreAdj"] = -5;
    document["process"]["user"]["additionalGids"] = {11, 12};
    document["process"]["user"]["umask"] = 077;
    document["process"]["rlimits"] = {{{"type", "RLIMIT_NOFILE"}, {"soft", 5}, {"hard", 18446744073709551615ULL}}};
    document["process"]["capabilities"] = {{"bounding", {"CAP_KILL"}}, {"permitted", {"CAP_KILL", "CAP_BPF"}}};
    document["mounts"] = {{{"destination", "/a/../b//c"}, {"source", "x"}, {"options", {"rbind", "ro"}}}};
    document["linux"]["devices"] = {{{"path", "/dev/fuse"}, {"type", "c"}, {"major", 10}, {"minor", 229}}};
    document["linux"]["maskedPaths"] = {"/proc/kcore"};
    document["linux"]["readonlyPaths"] = {"/proc/sys/"};
    document["linux"]["namespaces"].push_back({{"type", "network"}});
    document["linux"]["sysctl"] = {{"net.core.somaxconn", "256"}};
    document["linux"]["rootfsPropagation"] = "rslave";
    document["linux"]["resources"] = {{"devices", {{{"allow", false}, {"access", "rwm"}}}}};
    document["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ERRNO"},
                                    {"defaultErrnoRet", 38},
                                    {"syscalls", {{{"names", {"read"}}, {"action", "SCMP_ACT_ALLOW"}}}}};
    const RuntimeConfig config = parse_config(document.dump());
    CHECK(config.hostname == "box");
    CHECK(config.process.umask == 077);
    CHECK(config.process.oom_score_adj == -5);
    CHECK(config.process.additional_gids == std::vector<std::uint32_t>{11, 12});
    REQUIRE(config.process.rlimits.size() == 1);
    CHECK(config.process.rlimits[0].resource == RLIMIT_NOFILE);
    CHECK(config.process.rlimits[0].hard == RLIM_INFINITY);
    CHECK(config.process.capabilities.bounding == std::uint64_t{1} << CAP_KILL);
    CHECK(config.process.capabilities.permitted == ((std::uint64_t{1} << CAP_KILL) | (std::uint64_t{1} << 39)));
    REQUIRE(config.mounts.size() == 1);
    CHECK(config.mounts[0].destination == "/b/c");
    CHECK(config.mounts[0].type == "bind");
    CHECK(config.devices.size() == 1);
    CHECK(config.readonly_paths == std::vector<std::string>{"/proc/sys"});
    CHECK(config.sysctl.at("net.core.somaxconn") == "256");
    CHECK(config.root_propagation == 1U << 19U);
    REQUIRE(config.seccomp.has_value());
    CHECK(config.seccomp->default_errno_ret == 38U);
}

TEST_CASE("keys that the specification does not know are ignored, as it demands", "[config]") {
    CHECK(complaint(with("/x-vendor", {{"a", 1}})) == "");
}

TEST_CASE("intelRdt is read in the order in which it is written", "[config]") {
    const RuntimeConfig config = parse_config(with("/linux/intelRdt", {{"closID", "gold"},
                                                                       {"l3CacheSchema", "L3:0=f\nL3CODE:0=1"},
                                                                       {"memBwSchema", "MB:0=20"},
                                                                       {"schemata", {"L2:0=f"}},
                                                                       {"enableMonitoring", true}})
                                                  .dump());
    REQUIRE(config.intel_rdt.has_value());
    CHECK(config.intel_rdt->clos_id == "gold");
    CHECK(config.intel_rdt->schemata == std::vector<std::string>{"L3:0=f", "L3CODE:0=1", "MB:0=20", "L2:0=f"});
    CHECK(config.intel_rdt->to_agree == 3);
    CHECK(config.intel_rdt->monitoring);
    CHECK_FALSE(parse_config(small_document().dump()).intel_rdt.has_value());
    CHECK(complaint(with("/linux/intelRdt", {{"memBwSchema", "L3:0=f"}})) ==
          "'linux.intelRdt.memBwSchema' does not begin with 'MB:'");
    CHECK(complaint(with("/linux/intelRdt", {{"schemata", {"L3:0=f\nMB:0=1"}}})) ==
          "'linux.intelRdt.schemata[0]' is not one line");
}

TEST_CASE("values that cannot be are refused by the name of their field", "[config][invalid]") {
    CHECK(complaint(with("/linux/seccomp", {{"defaultAction", "SCMP_ACT_ALLOW"}, {"listenerPath", "s"}})) ==
          "'linux.seccomp.listenerPath' is 's', not an absolute path");
    CHECK(complaint(with("/linux/resources/devices/0", {{"allow", true}, {"access", "rwx"}})) ==
          "'linux.resources.devices[0].access' is made of other letters than 'r', 'w', 'm'");
}

TEST_CASE("a network device needs a name that the kernel takes, and a namespace to go to", "[config]") {
    json document = small_document();
    const auto complaint_of = [&](const json& devices) {
        document["linux"]["netDevices"] = devices;
        return complaint(document);
    };
    CHECK(complaint_of({{"eth0", {{"name", "x"}}}}) ==
          "'linux.netDevices' is given, but there is no network namespace to move a device to");
    document["linux"]["namespaces"].push_back({{"type", "network"}});
    CHECK(complaint_of({{"eth0", json::object()}}) == "");
    CHECK(complaint_of({{"eth0", {{"name", "net%d"}}}, {"eth1", {{"name", "net%d"}}}}) == "");
    for (const char* name : {"a/b", "a b", "a:b", "..", "sixteen-letters-", "eth%s", "a%d%d", "%"}) {
        CAPTURE(name);
        CHECK(complaint_of({{"eth0", {{"name", name}}}}) ==
              "'linux.netDevices.eth0.name' is '" + std::string(name) + "', no name for a network device");
    }
    CHECK(complaint_of({{"eth%d", json::object()}}) != "");
    CHECK(complaint_of({{"eth0", {{"name", "lo"}}}}) ==
          "'linux.netDevices.eth0.name' is 'lo', which every network namespace has already");
    CHECK(complaint_of({{"eth0", {{"name", "x"}}}, {"eth1", {{"name", "x"}}}}) ==
          "'linux.netDevices.eth1.name' is 'x', which another device is called");
}

TEST_CASE("a capability that cannot be given is a warning, as the specification has it", "[config]") {
    const auto parsed = [](const json& sets) { return parse_config(with("/process/capabilities", sets).dump()); };
    CHECK(parsed({{"bounding", {"CAP_NOTHING"}}}).warnings ==
          std::vector<std::string>{"'process.capabilities.bounding[0]' is 'CAP_NOTHING', which is not a capability"});
    const RuntimeConfig ambient = parsed({{"ambient", {"CAP_KILL"}}, {"permitted", {"CAP_KILL"}}});
    CHECK(ambient.process.capabilities.ambient == 0);
    CHECK(ambient.warnings.size() == 1);
    const RuntimeConfig effective = parsed({{"effective", {"CAP_KILL"}}});
    CHECK(effective.process.capabilities.effective == 0);
    CHECK(effective.warnings.size() == 1);
}

TEST_CASE("an empty field that is not supported is as good as none", "[config]") {
    CHECK(complaint(with("/linux/cgroupsPath", "")) == "");
    CHECK(complaint(with("/hooks", {{"prestart", json::array()}})) == "");
    CHECK(complaint(with("/process/selinuxLabel", nullptr)) == "");
}

TEST_CASE("a wrong value is refused with its place", "[config][invalid]") {
    CHECK(complaint(json::array()) == "the document is not an object");
    CHECK(complaint(with("/ociVersion", "2.0.0")) == "'ociVersion' is not a version 1 of the runtime specification");
    CHECK(complaint(with("/process/args", json::array())) == "'process.args' names no program");
    CHECK(complaint(with("/process/args/0", 5)) == "'process.args[0]' is not a string");
    CHECK(complaint(with("/process/args/0", std::string("/bin/a\0b", 8))) == "'process.args[0]' has a NUL in it");
    CHECK(complaint(with("/process/cwd", "tmp")) == "'process.cwd' is not an absolute path");
    CHECK(complaint(with("/process/env", {"=x"})) == "'process.env[0]' is not of the form NAME=VALUE");
    CHECK(complaint(with("/process/noNewPrivileges", "yes")) == "'process.noNewPrivileges' is not true or false");
    CHECK(complaint(with("/process/oomScoreAdj", 1001)) == "'process.oomScoreAdj' is 1001, not between -1000 and 1000");
    CHECK(complaint(with("/process/rlimits", {{{"type", "RLIMIT_NOFILE"}, {"soft", 2}, {"hard", 1}}})) ==
          "'process.rlimits[0].soft' is above the hard limit");
    CHECK(complaint(with("/root/path", "")) == "'root.path' is empty");
    CHECK(complaint(with("/hostname", std::string(65, 'a'))) == "'hostname' is longer than 64 bytes");
    CHECK(complaint(with("/mounts/0", {{"destination", "/.."}, {"type", "tmpfs"}})) ==
          "'mounts[0].destination' is the root itself");
    CHECK(complaint(with("/mounts/0", {{"destination", ""}, {"type", "tmpfs"}})) ==
          "'mounts[0].destination' is '', not an absolute path");
    CHECK(complaint(with("/linux/rootfsPropagation", "ro")) ==
          "'linux.rootfsPropagation' is 'ro', which is no kind of propagation");
    CHECK(complaint(with("/mounts/0", {{"destination", "/c"}, {"type", "tmpfs"}, {"options", {"idmap"}}})) ==
          "'mounts[0]' is to have its ids mapped, but is no bind mount");
    CHECK(complaint(with("/process/scheduler", {{"policy", "SCHED_FAIR"}})) ==
          "'process.scheduler.policy' is 'SCHED_FAIR', which is not a scheduling policy");
    CHECK(complaint(with("/process/execCPUAffinity", {{"final", "3-1"}})) ==
          "'process.execCPUAffinity.final' is no list of numbers, as '0-3,7' is");
    CHECK(complaint(with("/linux/memoryPolicy", {{"mode", "MPOL_BIND"}, {"nodes", "0,"}})) ==
          "'linux.memoryPolicy.nodes' is no list of numbers, as '0-3,7' is");
    CHECK(complaint(with("/linux", nullptr)) == "'linux' is missing");
    CHECK(complaint(with("/linux/namespaces/0", {{"type", "mount"}, {"path", "relative"}})) ==
          "'linux.namespaces[0].path' is not an absolute path");
    CHECK(complaint(with("/linux/timeOffsets", {{"monotonic", {{"secs", 1}}}})) ==
          "'linux.timeOffsets' is given, but there is no new time namespace");
    CHECK(complaint(with("/linux/sysctl", {{"kernel.core_pattern", "|/bin/sh"}})) ==
          "'linux.sysctl.kernel.core_pattern' is not of a namespace that the container has of its own: it would change "
          "the host");
    CHECK(complaint(with("/linux/sysctl", {{"net.core.somaxconn", "1"}})).find("would change the host") !=
          std::string::npos);
}

TEST_CASE("an id that the kernel would read as something else is refused", "[config][invalid]") {
    // CVE-2022-27650's cousins: -1 and its unsigned twin mean "leave it as it is".
    for (const json& id : {json(-1), json(4294967295U), json("0"), json(0.5), json(1e3), json(4294967296ULL)}) {
        CAPTURE(id);
        CHECK(complaint(with("/process/user/uid", id)).starts_with("'process.user.uid' is "));
        // Spelled out: of `{id}` one compiler makes an array, and another a copy.
        CHECK(complaint(with("/process/user/additionalGids", json::array({id})))
                  .starts_with("'process.user.additionalGids[0]' is "));
        CHECK(complaint(with("/linux/uidMappings/0/hostID", id)).starts_with("'linux.uidMappings[0].hostID' is "));
    }
    CHECK(complaint(with("/process/user/uid", 100)) == "'linux.uidMappings' has no entry for the process's uid 100");
    CHECK(complaint(with("/linux/gidMappings/0/size", 4294967295U)) ==
          "'linux.gidMappings[0].size' leads past the highest id");
    CHECK(complaint(with("/linux/uidMappings", json::array())) ==
          "'linux.uidMappings' is missing, but there is a new user namespace");
}

TEST_CASE("a document that is too large, too deep or ambiguous is refused before it is understood",
          "[config][invalid]") {
    CHECK_THROWS_AS(parse_config(std::string(limits::kMaxConfigBytes + 1, ' ')), Error);
    CHECK_THROWS_AS(parse_config(std::string(100'000, '[')), Error);
    CHECK_THROWS_AS(parse_config(R"({"ociVersion":"1.0.0","ociVersion":"1.1.0"})"), Error);
}

}  // namespace smith::runtime
