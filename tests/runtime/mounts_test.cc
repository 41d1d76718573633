// SPDX-License-Identifier: Apache-2.0
//
// Mounts, propagation, devices and scheduling, as a container sees them.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "runtime/cgroups.h"
#include "tests/runtime/test_bundle.h"

namespace smith::runtime {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// As containerd and podman send it for root: no user namespace.
void without_user_namespace(json& document) {
    json& list = document["linux"]["namespaces"];
    list.erase(std::remove_if(list.begin(), list.end(), [](const json& entry) { return entry["type"] == "user"; }),
               list.end());
    document["linux"].erase("uidMappings");
    document["linux"].erase("gidMappings");
}

std::function<void(json&)> with_mount(json mount) {
    return [mount](json& document) { document["mounts"].push_back(mount); };
}

/// The line of mountinfo about `place`.
std::string mount_at(TestBundle& bundle, const std::string& place) {
    std::istringstream lines(bundle.ask({"cat", "/proc/self/mountinfo"}));
    std::string line;
    std::string found;
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        std::string field;
        for (int i = 0; i < 5; ++i) fields >> field;
        if (field == place) found = line;
    }
    return found;
}

}  // namespace

TEST_CASE("tmpcopyup fills a tmpfs with what the image has there", "[mounts]") {
    TestBundle bundle;
    fs::create_directories(bundle.root() / "etc/deep/er");
    fs::create_symlink("/no/where", bundle.root() / "etc/link");
    std::ofstream(bundle.root() / "etc/deep/er/file") << std::string(40000, 'x') << "end";
    fs::permissions(bundle.root() / "etc/deep/er/file", fs::perms(0755));
    REQUIRE(mkfifo((bundle.root() / "etc/fifo").c_str(), 0600) == 0);
    const json mount = {{"destination", "/etc"}, {"type", "tmpfs"}, {"source", "tmpfs"}, {"options", {"tmpcopyup"}}};
    bundle.bend = with_mount(mount);
    CHECK(bundle.ask({"cat", "/etc/deep/er/file"}).ends_with("xend"));
    CHECK(bundle.ask({"kind", "/etc/deep/er/file"}).starts_with("100755 "));
    CHECK(bundle.ask({"link", "/etc/link"}) == "/no/where");
    // A fifo is not copied: nobody could say to whom it leads.
    CHECK(bundle.ask({"ls", "/etc"}) == "deep\nlink");
    CHECK(bundle.ask({"write", "/etc/new"}) == "ok");
    CHECK_FALSE(fs::exists(bundle.root() / "etc/new"));
    json readonly = mount;
    readonly["options"].push_back("ro");
    bundle.bend = with_mount(readonly);
    CHECK(bundle.ask({"ls", "/etc"}) == "deep\nlink");
    CHECK(bundle.ask({"write", "/etc/new"}) == "EROFS");
}

TEST_CASE("a mount gets other attributes by remount", "[mounts]") {
    TestBundle bundle;
    bundle.bend = with_mount({{"destination", "/run"}, {"options", {"remount", "ro", "nosymfollow"}}});
    CHECK(bundle.ask({"write", "/run/x"}) == "EROFS");
    CHECK(mount_at(bundle, "/run").find("nosymfollow") != std::string::npos);
}

TEST_CASE("options of the superblock reach it; a bind mount has none, and says so", "[mounts]") {
    TestBundle bundle;
    bundle.bend = with_mount({{"destination", "/run"},
                              {"type", "tmpfs"},
                              {"source", "tmpfs"},
                              {"options", {"dirsync", "sync", "nodiratime", "size=1m", "iversion"}}});
    const std::string line = mount_at(bundle, "/run");
    CAPTURE(line);
    CHECK(line.find("sync,dirsync") != std::string::npos);
    CHECK(line.find("size=1024k") != std::string::npos);
    fs::create_directories(bundle.path() / "source");
    bundle.bend =
        with_mount({{"destination", "run"}, {"source", "source"}, {"options", {"bind", "dirsync", "size=1m"}}});
    const Running running = start_probe(bundle, {"exit", "0"});
    REQUIRE(running.container.warnings().size() == 1);
    CHECK(running.container.warnings().front().find("the option 'size', ignoring") != std::string::npos);
}

TEST_CASE("the ids of a bind mount are mapped", "[mounts]") {
    if (geteuid() != 0) return;
    TestBundle bundle;
    fs::create_directories(bundle.path() / "source");
    std::ofstream(bundle.path() / "source/file") << "x";
    REQUIRE(chown((bundle.path() / "source/file").c_str(), 7, 8) == 0);
    fs::permissions(bundle.path() / "source", fs::perms(0755));
    json mount = {{"destination", "/read"}, {"source", "source"}, {"options", {"rbind", "ridmap"}}};
    mount["uidMappings"] = {{{"containerID", 7}, {"hostID", 1000}, {"size", 1}}};
    mount["gidMappings"] = {{{"containerID", 8}, {"hostID", 2000}, {"size", 1}}};
    bundle.bend = [&](json& document) {
        without_user_namespace(document);
        document["mounts"].push_back(mount);
    };
    const std::string refusal = bundle.refusal({"exit", "0"});
    if (refusal.find("has no idmapped mounts") != std::string::npos) return;
    CHECK(bundle.ask({"kind", "/read/file"}).find(" 1000:2000 ") != std::string::npos);
    // Without a mapping of its own it takes the container's: what root owns on disk, root owns inside.
    REQUIRE(chown((bundle.path() / "source/file").c_str(), 0, 0) == 0);
    bundle.bend = with_mount({{"destination", "/read"}, {"source", "source"}, {"options", {"bind", "idmap"}}});
    CHECK(bundle.ask({"kind", "/read/file"}).find(" 0:0 ") != std::string::npos);
    // And where there is neither, that is an error.
    bundle.bend = [&](json& document) {
        without_user_namespace(document);
        document["mounts"].push_back({{"destination", "/read"}, {"source", "source"}, {"options", {"bind", "idmap"}}});
    };
    CHECK(bundle.refusal({"exit", "0"}).find("there is no mapping") != std::string::npos);
}

TEST_CASE("the root propagates as it is asked to", "[mounts]") {
    TestBundle bundle;
    const auto line_with = [&](const char* propagation) {
        bundle.bend = [propagation](json& document) { document["linux"]["rootfsPropagation"] = propagation; };
        return mount_at(bundle, "/");
    };
    CHECK(line_with("shared").find(" shared:") != std::string::npos);
    CHECK(line_with("unbindable").find(" unbindable ") != std::string::npos);
    CHECK(line_with("private").find("shared:") == std::string::npos);
    CHECK(line_with("rslave").find(" shared:") == std::string::npos);
}

TEST_CASE("cgroups can be looked at", "[mounts]") {
    if (find_hierarchies().empty()) return;
    TestBundle bundle;
    bundle.bend = with_mount(
        {{"destination", "/sys/fs/cgroup"}, {"type", "cgroup"}, {"source", "cgroup"}, {"options", {"ro", "nosuid"}}});
    const auto hierarchies = find_hierarchies();
    const bool v2 = hierarchies.size() == 1 && hierarchies.front().unified();
    const std::string place =
        v2 ? "/sys/fs/cgroup"
           : "/sys/fs/cgroup" + hierarchies.back().mount_point.substr(std::string("/sys/fs/cgroup").size());
    CHECK(bundle.ask({"ls", place}).find("cgroup.procs") != std::string::npos);
    CHECK(bundle.ask({"write", place + "/cgroup.procs"}) != "ok");
    CHECK(bundle.ask({"write", "/sys/fs/cgroup/x"}) != "ok");
}

TEST_CASE("devices of all kinds are made, with their modes and owners", "[devices]") {
    if (geteuid() != 0) return;
    TestBundle bundle;
    bundle.bend = [](json& document) {
        without_user_namespace(document);
        document["linux"]["devices"] = {
            {{"path", "/dev/deep/char"}, {"type", "c"}, {"major", 10}, {"minor", 229}, {"fileMode", 432}, {"uid", 1}},
            {{"path", "/dev/block"}, {"type", "b"}, {"major", 8}, {"minor", 666}, {"fileMode", 25008}, {"gid", 2}},
            {{"path", "/dev/pipe"}, {"type", "p"}, {"fileMode", 384}}};
    };
    CHECK(bundle.ask({"kind", "/dev/deep/char"}) == "20660 1:0 10:229");
    CHECK(bundle.ask({"kind", "/dev/block"}) == "60660 0:2 8:666");
    CHECK(bundle.ask({"kind", "/dev/pipe"}).starts_with("10600 0:0"));
    CHECK(bundle.ask({"kind", "/dev/null"}) == "20666 0:0 1:3");
}

TEST_CASE("something else in a device's place is an error, and is not written to", "[devices][hostile]") {
    if (geteuid() != 0) return;
    TestBundle bundle;
    std::ofstream(bundle.path() / "canary") << "alive";
    bundle.bend = [](json& document) {
        without_user_namespace(document);
        document["linux"]["devices"] = {{{"path", "/etc/node"}, {"type", "c"}, {"major", 1}, {"minor", 3}}};
    };
    for (const char* target : {"../../canary", "/etc/elsewhere", "/dev/null"}) {
        fs::remove(bundle.root() / "etc/node");
        fs::create_symlink(target, bundle.root() / "etc/node");
        CHECK(bundle.refusal({"exit", "0"}).find("the image has something else there") != std::string::npos);
    }
    CHECK(contents_of(bundle.path() / "canary") == "alive");
    CHECK_FALSE(fs::exists(bundle.root() / "etc/elsewhere"));
    // The same device is as good as made.
    fs::remove(bundle.root() / "etc/node");
    if (mknod((bundle.root() / "etc/node").c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) return;
    CHECK(bundle.ask({"kind", "/etc/node"}).ends_with(" 1:3"));
}

TEST_CASE("a device that has another name on this host is shown all the same", "[devices]") {
    TestBundle bundle;
    bundle.bend = [](json& document) {
        document["linux"]["devices"] = {{{"path", "/dev/nothing"}, {"type", "c"}, {"major", 1}, {"minor", 3}}};
    };
    CHECK(bundle.ask({"kind", "/dev/nothing"}).ends_with(" 1:3"));
}

TEST_CASE("the process is scheduled as the configuration says", "[scheduling]") {
    TestBundle bundle;
    bundle.bend = [](json& document) {
        document["process"]["scheduler"] = {{"policy", "SCHED_BATCH"}, {"nice", 5}};
        document["process"]["ioPriority"] = {{"class", "IOPRIO_CLASS_IDLE"}, {"priority", 4}};
        document["linux"]["personality"] = {{"domain", "LINUX32"}};
        document["linux"]["memoryPolicy"] = {{"mode", "MPOL_LOCAL"}};
    };
    const std::string refusal = bundle.refusal({"exit", "0"});
    if (refusal.find("set_mempolicy: Function not implemented") != std::string::npos) {
        WARN("this kernel has no NUMA");
        bundle.bend = [](json& document) {
            document["process"]["scheduler"] = {{"policy", "SCHED_BATCH"}, {"nice", 5}};
            document["process"]["ioPriority"] = {{"class", "IOPRIO_CLASS_IDLE"}, {"priority", 4}};
            document["linux"]["personality"] = {{"domain", "LINUX32"}};
            document["linux"].erase("seccomp");
        };
    }
    CHECK(bundle.ask({"scheduling"}) == "5 24580 3 8");
}

}  // namespace smith::runtime
