// SPDX-License-Identifier: Apache-2.0
//
// Images and configurations that try to get out. Each test is named for the escape it once was.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "tests/runtime/test_bundle.h"

namespace smith::runtime {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// A directory of the host that nothing may be made in or mounted on.
class Canary {
public:
    Canary() { std::ofstream(path() / "alive") << "yes"; }
    [[nodiscard]] const fs::path& path() const { return directory_.path(); }
    [[nodiscard]] bool untouched() const {
        return listing(path()) == (path() / "alive").string() + "\n" && contents_of(path() / "alive") == "yes" &&
               contents_of("/proc/self/mountinfo").find(path().string()) == std::string::npos;
    }

private:
    TempDir directory_;
};

void replace_by_link(const fs::path& place, const fs::path& target) {
    fs::remove_all(place);
    fs::create_symlink(target, place);
}

}  // namespace

TEST_CASE("/dev is a symlink (CVE-2025-52565, CVE-2026-41579, CVE-2026-47766)", "[hostile]") {
    const Canary canary;
    TestBundle bundle;
    replace_by_link(bundle.root() / "dev", canary.path());
    CHECK(bundle.refusal({"exit", "0"}).find("the image has a symbolic link there") != std::string::npos);
    CHECK(canary.untouched());
}

TEST_CASE("/proc or /sys is a symlink (CVE-2019-19921)", "[hostile]") {
    for (const char* name : {"proc", "sys"}) {
        const Canary canary;
        TestBundle bundle;
        replace_by_link(bundle.root() / name, canary.path());
        CHECK(bundle.refusal({"exit", "0"}).find("the image has a symbolic link there") != std::string::npos);
        CHECK(canary.untouched());
    }
}

TEST_CASE("/dev/null of the image is a symlink to what a mask must not open (CVE-2025-31133)", "[hostile]") {
    TestBundle bundle;
    fs::create_symlink("/proc/sysrq-trigger", bundle.root() / "dev/null");
    CHECK(bundle.ask({"kind", "/proc/timer_list"}).ends_with(" 1:3"));
    // And where /dev is the image's own, a link in the place of a device is refused.
    bundle.bend = [](json& document) {
        json kept = json::array();
        for (const json& mount : document["mounts"]) {
            if (!mount["destination"].get<std::string>().starts_with("/dev")) kept.push_back(mount);
        }
        document["mounts"] = kept;
    };
    CHECK(bundle.refusal({"exit", "0"}).find("'/dev/null': openat2: Too many levels of symbolic links") !=
          std::string::npos);
}

TEST_CASE("a mount's destination leads out through a symlink (CVE-2024-45310)", "[hostile]") {
    const Canary canary;
    TestBundle bundle;
    fs::create_symlink(canary.path(), bundle.root() / "absolute");
    fs::create_symlink("../../../../../../../.." + canary.path().string(), bundle.root() / "relative");
    if (geteuid() == 0) REQUIRE(chown(bundle.root().c_str(), kRootRangeBase, kRootRangeBase) == 0);
    for (const char* destination : {"/absolute/new/deep", "/relative/new", "/absolute", "/relative"}) {
        bundle.parameters.tmpfs_directories = {destination};
        const std::string refusal = bundle.refusal({"exit", "0"});
        CAPTURE(destination, refusal);
        CHECK(canary.untouched());
        CHECK(refusal.find("leads nowhere") != std::string::npos);
    }
}

TEST_CASE("a symlink inside the root is followed inside the root", "[hostile]") {
    TestBundle bundle;
    fs::create_directories(bundle.root() / "var");
    fs::create_symlink("/run", bundle.root() / "var/run");
    bundle.parameters.tmpfs_directories = {"/var/run/app"};
    CHECK(bundle.ask({"write", "/run/app/x"}) == "ok");
}

TEST_CASE("a mount's destination is swapped while we look (CVE-2021-30465)", "[hostile]") {
    const Canary canary;
    TestBundle bundle;
    fs::create_directories(bundle.root() / "vol/a");
    fs::create_symlink(canary.path(), bundle.root() / "vol/b");
    if (geteuid() == 0) REQUIRE(chown((bundle.root() / "vol/a").c_str(), kRootRangeBase, kRootRangeBase) == 0);
    bundle.parameters.tmpfs_directories = {"/vol/a/x"};
    std::atomic<bool> done = false;
    std::thread swapper([&] {
        const std::string a = (bundle.root() / "vol/a").string();
        const std::string b = (bundle.root() / "vol/b").string();
        constexpr unsigned exchange = 2;  // RENAME_EXCHANGE
        while (!done) syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), exchange);
    });
    int started = 0;
    for (int i = 0; i < 30; ++i) started += bundle.refusal({"exit", "0"}).empty() ? 1 : 0;
    done = true;
    swapper.join();
    CAPTURE(started);
    CHECK(canary.untouched());
}

TEST_CASE("the working directory is a descriptor that we have open (CVE-2024-21626)", "[hostile]") {
    std::vector<UniqueFd> host;
    for (int i = 0; i < 20; ++i) host.emplace_back(open("/", O_RDONLY | O_DIRECTORY));  // not close-on-exec
    TestBundle bundle;
    for (int fd = 3; fd <= 20; ++fd) {
        bundle.parameters.cwd = "/proc/self/fd/" + std::to_string(fd);
        const std::string refusal = bundle.refusal({"cat", "../../../etc/passwd"});
        CAPTURE(fd, refusal);
        CHECK(refusal.find("entering the working directory") != std::string::npos);
    }
    fs::create_symlink("/proc/self/fd/7", bundle.root() / "work");
    bundle.parameters.cwd = "/work";
    CHECK(bundle.refusal({"names"}).find("may not lead through /proc's links") != std::string::npos);
    bundle.parameters.cwd = "/../../..";
    CHECK(bundle.ask({"names"}).starts_with("box / 1 "));
}

TEST_CASE("the program is whatever calls execve (CVE-2019-5736)", "[hostile]") {
    const std::string ourselves = contents_of("/proc/self/exe");
    TestBundle bundle;
    std::ofstream(bundle.root() / "bin/evil") << "#!/proc/self/exe\n";
    fs::permissions(bundle.root() / "bin/evil", fs::perms(0755));
    for (const char* program : {"/bin/evil", "/proc/self/exe"}) {
        bundle.bend = [&](json& document) { document["process"]["args"] = {program, "fds"}; };
        // Not this test program, and not smith: the launcher, which finds no orders and ends.
        CHECK(bundle.run({}).status == ExitStatus{127, 0});
    }
    CHECK(contents_of("/proc/self/exe") == ourselves);
}

TEST_CASE("an image's device nodes are dead", "[hostile]") {
    if (geteuid() != 0) return;
    TestBundle bundle;
    if (mknod((bundle.root() / "etc/zero").c_str(), S_IFCHR | 0666, makedev(1, 5)) != 0) return;
    fs::permissions(bundle.root() / "etc/zero", fs::perms(0666));
    CHECK(bundle.ask({"cat", "/etc/zero"}) == "EACCES");
}

TEST_CASE("the host has something else where a device should be", "[hostile]") {
    TestBundle bundle;
    bundle.bend = [](json& document) {
        document["linux"]["devices"] = {{{"path", "/dev/ptmx"}, {"type", "c"}, {"major", 1}, {"minor", 1}}};
    };
    const std::string refusal = bundle.refusal({"exit", "0"});
    CAPTURE(refusal);
    CHECK(refusal.find("the host has something else there") != std::string::npos);
}

}  // namespace smith::runtime
