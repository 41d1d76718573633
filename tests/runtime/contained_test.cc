// SPDX-License-Identifier: Apache-2.0
//
// What a contained process sees, and what it cannot do.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/runtime/test_bundle.h"

namespace smith::runtime {

namespace fs = std::filesystem;
using nlohmann::json;

TEST_CASE("the root is read-only; /run and /write are not", "[contained]") {
    TestBundle bundle;
    CHECK(bundle.ask({"write", "/x"}) == "EROFS");
    CHECK(bundle.ask({"write", "/etc/x"}) == "EROFS");
    CHECK(bundle.ask({"write", "/run/x"}) == "ok");
    CHECK(bundle.ask({"write", "/write/x"}) == "ok");
    CHECK(bundle.ask({"write", "/sys/x"}) != "ok");
    CHECK(bundle.ask({"write", "/proc/sys/kernel/domainname"}) != "ok");
    CHECK_FALSE(fs::exists(bundle.root() / "run/x"));
}

TEST_CASE("no capability is left in any set, new ones cannot be had, and a filter is in place", "[contained]") {
    for (const std::uint32_t id : {0U, 10U}) {
        TestBundle bundle;
        bundle.parameters.uid = bundle.parameters.gid = id;
        const std::string status = bundle.ask({"cat", "/proc/self/status"});
        for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
            CAPTURE(set);
            CHECK(status.find(std::string(set) + ":\t0000000000000000\n") != std::string::npos);
        }
        CHECK(status.find("NoNewPrivs:\t1\n") != std::string::npos);
        CHECK(status.find("Seccomp:\t2\n") != std::string::npos);
    }
}

TEST_CASE("what changes the machine or the container is refused", "[contained]") {
    TestBundle bundle;
    CHECK(bundle.ask({"try", "mount"}) == "EPERM");
    CHECK(bundle.ask({"try", "unshare"}) == "EPERM");
    CHECK(bundle.ask({"try", "keyctl"}) == "EPERM");
    CHECK(bundle.ask({"try", "clone3"}) == "ENOSYS");
    CHECK(bundle.ask({"try", "mknod"}) == "EPERM");
    CHECK(bundle.ask({"try", "setuid"}) != "ok");
}

TEST_CASE("the process is 1, is who it should be, and is where it should be", "[contained]") {
    TestBundle bundle;
    bundle.parameters.uid = 10;
    bundle.parameters.gid = 20;
    bundle.parameters.cwd = "/etc";
    CHECK(bundle.ask({"names"}) == "box /etc 1 10:20 22");
}

TEST_CASE("there is a loopback interface and no other", "[contained]") {
    TestBundle bundle;
    CHECK(bundle.ask({"interfaces"}) == "lo");
}

TEST_CASE("every namespace is a new one", "[contained]") {
    TestBundle bundle;
    for (const char* name : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"}) {
        CAPTURE(name);
        char ours[64] = {};
        REQUIRE(readlink((std::string("/proc/self/ns/") + name).c_str(), ours, sizeof ours - 1) > 0);
        CHECK(bundle.ask({"link", std::string("/proc/self/ns/") + name}) != ours);
    }
}

TEST_CASE("the host's network can be shared; /sys is then the host's, read-only", "[contained]") {
    TestBundle bundle;
    bundle.parameters.host_network = true;
    char ours[64] = {};
    REQUIRE(readlink("/proc/self/ns/net", ours, sizeof ours - 1) > 0);
    CHECK(bundle.ask({"link", "/proc/self/ns/net"}) == ours);
    for (const auto& entry : fs::directory_iterator("/sys/fs/cgroup")) {
        const std::string path = "/sys/fs/cgroup/" + entry.path().filename().string() + "/x";
        CHECK(bundle.ask({"write", path}) != "ok");
    }
}

TEST_CASE("/dev has the specification's devices and links, and is the host's in nothing else", "[contained]") {
    TestBundle bundle;
    CHECK(bundle.ask({"ls", "/dev"}) ==
          "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero");
    CHECK(bundle.ask({"kind", "/dev/null"}).ends_with(" 1:3"));
    CHECK(bundle.ask({"kind", "/dev/zero"}).ends_with(" 1:5"));
    CHECK(bundle.ask({"kind", "/dev/tty"}).ends_with(" 5:0"));
    CHECK(bundle.ask({"write", "/dev/null"}) == "ok");
    CHECK(bundle.ask({"write", "/dev/shm/x"}) == "ok");
    CHECK(bundle.ask({"link", "/dev/ptmx"}) == "pts/ptmx");
    CHECK(bundle.ask({"write", "/dev/stdout"}) == "xok");
}

TEST_CASE("masked files are empty devices, masked directories are empty", "[contained]") {
    TestBundle bundle;
    std::ofstream(bundle.root() / "etc/secret") << "secret";
    fs::create_directory(bundle.root() / "etc/secrets");
    std::ofstream(bundle.root() / "etc/secrets/one") << "secret";
    bundle.bend = [](json& document) {
        document["linux"]["maskedPaths"].push_back("/etc/secret");
        document["linux"]["maskedPaths"].push_back("/etc/secrets");
        document["linux"]["maskedPaths"].push_back("/not/there");
    };
    CHECK(bundle.ask({"cat", "/etc/secret"}) == "");
    CHECK(bundle.ask({"kind", "/etc/secret"}).ends_with(" 1:3"));
    CHECK(bundle.ask({"ls", "/etc/secrets"}) == "");
    CHECK(bundle.ask({"write", "/etc/secrets/one"}) == "EROFS");
    CHECK(bundle.ask({"kind", "/proc/timer_list"}).ends_with(" 1:3"));
    CHECK(bundle.ask({"ls", "/sys/firmware"}) == "");
}

TEST_CASE("read-only paths are read-only on a root that is not", "[contained]") {
    TestBundle bundle;
    fs::create_directory(bundle.root() / "etc/fixed");
    bundle.bend = [](json& document) {
        document["root"]["readonly"] = false;
        document["linux"]["readonlyPaths"].push_back("/etc/fixed");
        // As root of its own user namespace the process may write what belongs to somebody else's id.
    };
    CHECK(bundle.ask({"write", "/etc/fixed/x"}) == "EROFS");
}

TEST_CASE("only 0, 1 and 2 are open inside, whatever the caller has open", "[contained]") {
    const UniqueFd host_root(open("/", O_RDONLY));  // not close-on-exec
    TestBundle bundle;
    CHECK(bundle.ask({"fds"}) == "0\n1\n2");
}

TEST_CASE("descriptors reach their places even when they are swapped", "[contained]") {
    TestBundle bundle;
    bundle.configure({"write", "/run/x"});
    int fds[2];
    REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
    const UniqueFd out(fds[0]);
    UniqueFd in(fds[1]);
    RunOptions options;
    options.stdio = {2, in.get(), 0};
    Container container = Container::start(bundle.path(), options);
    in.reset();
    CHECK(read_to_end(out.get(), 100) == "ok\n");
    CHECK(container.wait() == ExitStatus{0, 0});
}

TEST_CASE("limits are set, soft and hard", "[contained]") {
    TestBundle bundle;
    bundle.parameters.rlimits = {{"RLIMIT_NOFILE", 0, 6, 7}};
    CHECK(bundle.ask({"nofile"}) == "6 7");
}

TEST_CASE("directories of the host appear as /write and, read-only, as /read", "[contained]") {
    TestBundle bundle;
    const TempDir data;
    std::ofstream(data.path() / "file") << "from outside";
    bundle.parameters.mappings = choose_mappings(0, 0, MappingChoice::single);
    bundle.parameters.write_directory = data.path();
    bundle.parameters.read_directory = data.path();
    CHECK(bundle.ask({"cat", "/read/file"}) == "from outside");
    CHECK(bundle.ask({"write", "/read/x"}) == "EROFS");
    CHECK(bundle.ask({"write", "/write/x"}) == "ok");
    CHECK(fs::exists(data.path() / "x"));
}

TEST_CASE("scratch directories that an image lacks are made where its root can be written", "[contained]") {
    TestBundle bundle;
    if (geteuid() == 0) REQUIRE(chown(bundle.root().c_str(), kRootRangeBase, kRootRangeBase) == 0);
    bundle.parameters.tmpfs_directories = {"/var/cache/app"};
    CHECK(bundle.ask({"write", "/var/cache/app/x"}) == "ok");
    CHECK(bundle.ask({"write", "/var/x"}) == "EROFS");
}

TEST_CASE("nothing in the container is the host's root", "[contained]") {
    if (geteuid() != 0) return;
    TestBundle bundle;
    std::ofstream(bundle.root() / "etc/roots") << "x";
    fs::permissions(bundle.root() / "etc/roots", fs::perms::owner_read);
    CHECK(bundle.ask({"cat", "/etc/roots"}) == "EACCES");
    CHECK(bundle.ask({"kind", "/run"}) == "40755 0:0 0:0");
}

TEST_CASE("a sysctl of the container's own namespaces is set", "[contained]") {
    TestBundle bundle;
    bundle.bend = [](json& document) { document["linux"]["sysctl"] = {{"net.core.somaxconn", "321"}}; };
    CHECK(bundle.ask({"cat", "/proc/sys/net/core/somaxconn"}) == "321");
    CHECK(contents_of("/proc/sys/net/core/somaxconn") != "321\n");
}

TEST_CASE("without no_new_privs the filter is loaded earlier, and is there all the same", "[contained]") {
    TestBundle bundle;
    bundle.bend = [](json& document) { document["process"]["noNewPrivileges"] = false; };
    const std::string status = bundle.ask({"cat", "/proc/self/status"});
    CHECK(status.find("NoNewPrivs:\t0\n") != std::string::npos);
    CHECK(status.find("Seccomp:\t2\n") != std::string::npos);
}

TEST_CASE("a capability that is asked for is had, by an ordinary user through the ambient set", "[contained]") {
    TestBundle bundle;
    bundle.parameters.uid = 10;
    bundle.bend = [](json& document) {
        const json kill = {"CAP_KILL"};
        document["process"]["capabilities"] = {
            {"bounding", kill}, {"permitted", kill}, {"effective", kill}, {"inheritable", kill}, {"ambient", kill}};
    };
    CHECK(bundle.ask({"cat", "/proc/self/status"}).find("CapEff:\t0000000000000020\n") != std::string::npos);
}

TEST_CASE("a label goes to the kernel, whatever the container has in its /proc", "[labels]") {
    TestBundle bundle;
    bundle.bend = [](json& document) {
        auto& linux_object = document["linux"];
        if (geteuid() != 0) return;  // then it takes a user namespace, and the container's own proc
        for (const char* key : {"maskedPaths", "readonlyPaths", "uidMappings", "gidMappings"}) linux_object.erase(key);
        auto& namespaces = linux_object["namespaces"];
        for (std::size_t i = 0; i < namespaces.size(); ++i) {
            if (namespaces[i]["type"] == "user") namespaces.erase(i);
        }
        for (json& mount : document["mounts"]) {
            if (mount["destination"] == "/proc") mount = {{"destination", "/proc"}, {"type", "tmpfs"}};
        }
    };
    Running running = start_probe(bundle, {"pause"});
    REQUIRE(running.line() == "ready");
    RuntimeConfig config = parse_config(contents_of(bundle.path() / "config.json"));
    const auto joining = [&] {
        try {
            Container::join(config, {running.container.pid(), running.container.pidfd()}, {{-1, -1, -1}}).wait();
        } catch (const Error& e) {
            return e.message();
        }
        return std::string();
    };
    // No security module has such a name; without any, the kernel says that too.
    config.process.apparmor_profile = "smith-test-no-such-profile";
    CHECK(joining().starts_with("setting the AppArmor profile 'smith-test-no-such-profile': write: "));
    config.process.apparmor_profile.clear();
    config.process.selinux_label = "smith:no:such:label";
    CHECK(joining().starts_with("setting the SELinux label 'smith:no:such:label': write: "));
}

}  // namespace smith::runtime
