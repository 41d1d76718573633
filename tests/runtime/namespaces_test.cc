// SPDX-License-Identifier: Apache-2.0
//
// Namespaces that exist already, that are missing, and the one that moves clocks.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/runtime/test_bundle.h"

namespace smith::runtime {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::string link_of(const fs::path& path) { return fs::read_symlink(path).string(); }

/// In the document's list, `type` is the one at `path`; without a path it is a new one.
void set_namespace(json& document, const std::string& type, const std::string& path = "") {
    json& list = document["linux"]["namespaces"];
    list.erase(std::remove_if(list.begin(), list.end(), [&](const json& entry) { return entry["type"] == type; }),
               list.end());
    json entry = {{"type", type}};
    if (!path.empty()) entry["path"] = path;
    list.push_back(entry);
}

void drop_namespace(json& document, const std::string& type) {
    set_namespace(document, type);
    document["linux"]["namespaces"].erase(document["linux"]["namespaces"].size() - 1);
}

/// An ordinary document for root without a user namespace: what podman and containerd send.
void without_user_namespace(json& document) {
    drop_namespace(document, "user");
    document["linux"].erase("uidMappings");
    document["linux"].erase("gidMappings");
}

std::string namespace_path(const Running& running, const std::string& name) {
    return "/proc/" + std::to_string(running.container.pid()) + "/ns/" + name;
}

}  // namespace

TEST_CASE("a container joins another's namespaces", "[namespaces]") {
    TestBundle first;
    Running holder = start_probe(first, {"pause"});
    REQUIRE(holder.line() == "ready");
    TestBundle second;
    second.bend = [&](json& document) {
        for (const auto& [type, name] : {std::pair("user", "user"), std::pair("network", "net"),
                                         std::pair("ipc", "ipc"), std::pair("uts", "uts"), std::pair("pid", "pid")}) {
            set_namespace(document, type, namespace_path(holder, name));
        }
        document.erase("hostname");
        document["linux"].erase("uidMappings");
        document["linux"].erase("gidMappings");
    };
    for (const char* name : {"user", "net", "ipc", "uts", "pid"}) {
        CAPTURE(name);
        CHECK(second.ask({"link", std::string("/proc/self/ns/") + name}) == link_of(namespace_path(holder, name)));
    }
    CHECK(second.ask({"link", "/proc/self/ns/mnt"}) != link_of(namespace_path(holder, "mnt")));
    // Not its PID 1, and the holder outlives it.
    CHECK(second.ask({"names"}).find(" / 1 ") == std::string::npos);
    CHECK_FALSE(holder.container.wait_for(std::chrono::milliseconds(0)));
}

TEST_CASE("a namespace of another kind, and what is none at all, is refused", "[namespaces]") {
    TestBundle bundle;
    const auto joining = [&](const std::string& path) {
        bundle.bend = [path](json& document) { set_namespace(document, "network", path); };
        return bundle.refusal({"exit", "0"});
    };
    CHECK(joining("/proc/self/ns/uts").find("not a namespace of the kind CLONE_NEWNET, but CLONE_NEWUTS") !=
          std::string::npos);
    CHECK(joining("/proc/self/status").find("not a namespace of the kind CLONE_NEWNET") != std::string::npos);
    CHECK(joining("/no/such/file").find("opening the namespace '/no/such/file'") != std::string::npos);
    // A fifo would hold up whoever opens it.
    const std::string fifo = (bundle.path() / "fifo").string();
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(joining(fifo).find("not a namespace") != std::string::npos);
}

TEST_CASE("without a PID namespace the processes end with the container all the same", "[namespaces]") {
    if (geteuid() != 0) return;
    TestBundle bundle;
    bundle.bend = [](json& document) {
        without_user_namespace(document);
        drop_namespace(document, "pid");
    };
    const Belongings before = belongings();
    {
        Running running = start_probe(bundle, {"cling"});
        REQUIRE(running.line() == "ready");
        CHECK(link_of(namespace_path(running, "pid")) == link_of("/proc/self/ns/pid"));
    }
    CHECK(belongings() == before);
}

TEST_CASE("without a mount namespace the root is mounted on itself, and unmounted again", "[namespaces]") {
    if (geteuid() != 0) return;
    TestBundle bundle;
    bundle.bend = [](json& document) {
        without_user_namespace(document);
        for (const char* type : {"mount", "ipc", "uts", "network", "cgroup", "pid"}) drop_namespace(document, type);
        document.erase("hostname");
    };
    const Belongings before = belongings();
    for (const char* name : {"mnt", "net", "ipc", "uts", "pid", "cgroup"}) {
        CAPTURE(name);
        CHECK(bundle.ask({"link", std::string("/proc/self/ns/") + name}) ==
              link_of(std::string("/proc/self/ns/") + name));
    }
    CHECK(bundle.ask({"write", "/x"}) == "EROFS");
    CHECK(bundle.ask({"ls", "/../../../bin"}) == "probe");
    CHECK(belongings() == before);
    // A root that is a mount of somebody else's stays one.
    REQUIRE(mount(bundle.root().c_str(), bundle.root().c_str(), nullptr, MS_BIND, nullptr) == 0);
    const Belongings with_mount = belongings();
    CHECK(bundle.ask({"ls", "/bin"}) == "probe");
    CHECK(belongings() == with_mount);
    REQUIRE(umount(bundle.root().c_str()) == 0);
}

TEST_CASE("clocks can be moved", "[namespaces]") {
    if (geteuid() != 0 || !fs::exists("/proc/self/timens_offsets")) return;
    TestBundle bundle;
    bundle.bend = [](json& document) {
        set_namespace(document, "time");
        document["linux"]["timeOffsets"] = {{"boottime", {{"secs", 1'000'000'000}}}, {"monotonic", {{"secs", 7}}}};
    };
    CHECK(bundle.ask({"link", "/proc/self/ns/time"}) != link_of("/proc/self/ns/time"));
    CHECK(std::stod(bundle.ask({"cat", "/proc/uptime"})) > 1'000'000'000);
}

}  // namespace smith::runtime
