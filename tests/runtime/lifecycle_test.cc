// SPDX-License-Identifier: Apache-2.0
//
// A container from start to end: statuses, signals, sudden death, and that nothing of it is left.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "tests/runtime/test_bundle.h"

namespace smith::runtime {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Long for a machine, short for a person: nothing that works takes so long.
constexpr auto kLong = 20s;

bool ends_within(int pidfd, std::chrono::milliseconds timeout) {
    pollfd end{pidfd, POLLIN, 0};
    return poll(&end, 1, static_cast<int>(timeout.count())) == 1;
}

UniqueFd pidfd_of(pid_t pid) { return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

std::vector<pid_t> children_of(pid_t pid) {
    std::istringstream text(contents_of("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children"));
    std::vector<pid_t> out;
    for (pid_t child = 0; text >> child;) out.push_back(child);
    return out;
}

}  // namespace

TEST_CASE("exit codes and signals are passed on", "[lifecycle]") {
    TestBundle bundle;
    CHECK(bundle.run({"exit", "0"}).status == ExitStatus{0, 0});
    CHECK(bundle.run({"exit", "77"}).status == ExitStatus{77, 0});
    CHECK(bundle.run({"exit", "255"}).status.shell_status() == 255);
    Running killed = start_probe(bundle, {"pause"});
    CHECK(killed.line() == "ready");
    killed.container.signal(SIGKILL);
    CHECK(killed.container.wait() == ExitStatus{0, SIGKILL});
    CHECK(killed.container.wait().shell_status() == 128 + SIGKILL);
}

TEST_CASE("a program that is not there is an error of start, and leaves nothing", "[lifecycle]") {
    TestBundle bundle;
    const Belongings before = belongings();
    bundle.bend = [](nlohmann::json& document) { document["process"]["args"] = {"/bin/nothing"}; };
    CHECK(bundle.refusal({}).find("running '/bin/nothing': No such file or directory") != std::string::npos);
    bundle.bend = [](nlohmann::json& document) { document["process"]["args"] = {"nothing"}; };
    CHECK(bundle.refusal({}).find("running 'nothing': No such file or directory") != std::string::npos);
    bundle.bend = [](nlohmann::json& document) { document["process"]["args"] = {"/etc"}; };
    CHECK(bundle.refusal({}).find("running '/etc': Permission denied") != std::string::npos);
    CHECK(belongings() == before);
}

TEST_CASE("a program is looked for in the container's PATH", "[lifecycle]") {
    TestBundle bundle;
    bundle.parameters.env = {"HOME=/", "PATH=/nowhere:/etc:/bin"};
    bundle.bend = [](nlohmann::json& document) { document["process"]["args"][0] = "probe"; };
    CHECK(bundle.ask({"names"}).starts_with("box / 1 "));
}

TEST_CASE("PID 1 with a handler gets a signal, one without dies of it as an ordinary process would", "[lifecycle]") {
    TestBundle bundle;
    Running handles = start_probe(bundle, {"handle", std::to_string(SIGTERM)});
    REQUIRE(handles.line() == "ready");
    handles.container.deliver(SIGTERM);
    CHECK(handles.container.wait() == ExitStatus{42, 0});

    Running ignores = start_probe(bundle, {"pause"});
    REQUIRE(ignores.line() == "ready");
    ignores.container.signal(SIGTERM);
    CHECK_FALSE(ignores.container.wait_for(100ms).has_value());
    ignores.container.deliver(SIGWINCH);
    CHECK_FALSE(ignores.container.wait_for(100ms).has_value());
    ignores.container.deliver(SIGTERM);
    CHECK(ignores.container.wait() == ExitStatus{0, SIGTERM});
}

TEST_CASE("stop asks first and then kills", "[lifecycle]") {
    TestBundle bundle;
    Running handles = start_probe(bundle, {"handle", std::to_string(SIGTERM)});
    REQUIRE(handles.line() == "ready");
    CHECK(handles.container.stop(kLong) == ExitStatus{42, 0});
    Running clings = start_probe(bundle, {"cling"});
    REQUIRE(clings.line() == "ready");
    CHECK(clings.container.stop(50ms) == ExitStatus{0, SIGKILL});
}

TEST_CASE("the destructor ends the container and all its processes", "[lifecycle]") {
    TestBundle bundle;
    const Belongings before = belongings();
    UniqueFd watched;
    {
        Running clings = start_probe(bundle, {"cling"});
        REQUIRE(clings.line() == "ready");
        watched = pidfd_of(clings.container.pid());
    }
    CHECK(ends_within(watched.get(), 0ms));
    watched.reset();
    CHECK(belongings() == before);
}

TEST_CASE("kill -9 of the parent takes the container with it, however it clings", "[lifecycle]") {
    TestBundle bundle;
    bundle.configure({"cling"});
    int fds[2];
    REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
    const UniqueFd read_end(fds[0]);
    UniqueFd write_end(fds[1]);
    const pid_t parent = fork();
    if (parent == 0) {
        Running clings = start_probe(bundle, {"cling"});
        static_cast<void>(clings.line());
        const pid_t pid = clings.container.pid();
        static_cast<void>(write(write_end.get(), &pid, sizeof pid) == sizeof pid);
        for (;;) pause();
    }
    write_end.reset();
    pid_t init = 0;
    REQUIRE(read(read_end.get(), &init, sizeof init) == sizeof init);
    std::vector<UniqueFd> watched;
    for (const pid_t child : children_of(parent)) watched.push_back(pidfd_of(child));
    CHECK(watched.size() == 2);  // the container and its guard
    REQUIRE(kill(parent, SIGKILL) == 0);
    REQUIRE(waitpid(parent, nullptr, 0) == parent);
    for (const UniqueFd& child : watched) CHECK(ends_within(child.get(), kLong));
}

TEST_CASE("kill -9 of parent and guard takes an honest container with it", "[lifecycle]") {
    TestBundle bundle;
    const pid_t parent = fork();
    if (parent == 0) {
        Running waits = start_probe(bundle, {"pause"});
        static_cast<void>(waits.line());
        for (;;) pause();
    }
    std::vector<pid_t> children;
    for (int i = 0; i < 2000 && children.size() < 2; ++i) {
        children = children_of(parent);
        std::this_thread::sleep_for(10ms);
    }
    REQUIRE(children.size() == 2);
    std::this_thread::sleep_for(200ms);  // until it runs; both ways of dying are right before that
    const UniqueFd container = pidfd_of(children[0]);
    const UniqueFd guard = pidfd_of(children[1]);
    kill(children[1], SIGKILL);
    kill(parent, SIGKILL);
    REQUIRE(waitpid(parent, nullptr, 0) == parent);
    CHECK(ends_within(container.get(), kLong));
    CHECK(ends_within(guard.get(), kLong));
}

TEST_CASE("the parent is killed at some moment of the start, and nothing is left", "[lifecycle]") {
    TestBundle bundle;
    bundle.configure({"cling"});
    REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);  // what is left would become ours
    for (int i = 0; i < 40; ++i) {
        const pid_t parent = fork();
        if (parent == 0) {
            Running clings = start_probe(bundle, {"cling"});
            for (;;) pause();
        }
        std::this_thread::sleep_for(std::chrono::microseconds(i * 1500));
        kill(parent, SIGKILL);
        waitpid(parent, nullptr, 0);
        const auto deadline = std::chrono::steady_clock::now() + kLong;
        pid_t left = 0;
        while ((left = waitpid(-1, nullptr, WNOHANG | __WALL)) >= 0 && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::sleep_for(1ms);
        }
        CAPTURE(i);
        REQUIRE(left == -1);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("run forwards signals, returns the status, and leaves the handlers as they were", "[lifecycle]") {
    TestBundle bundle;
    bundle.configure({"handle", std::to_string(SIGUSR1)});
    struct sigaction before {};
    sigaction(SIGUSR1, nullptr, &before);
    const pid_t self = getpid();
    const pid_t sender = fork();
    if (sender == 0) {
        // Until the probe is there to handle it: before that, its default would be to die.
        for (;;) {
            for (const pid_t child : children_of(self)) {
                const std::string status = contents_of("/proc/" + std::to_string(child) + "/status");
                if (status.find("SigCgt:\t0000000000000200\n") != std::string::npos) {
                    kill(self, SIGUSR1);
                    _exit(0);
                }
            }
            usleep(5000);
        }
    }
    RunOptions options;
    const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    options.stdio = {-1, null.get(), 2};
    CHECK(run(bundle.path(), options) == ExitStatus{42, 0});
    kill(sender, SIGKILL);
    waitpid(sender, nullptr, 0);
    struct sigaction after {};
    sigaction(SIGUSR1, nullptr, &after);
    CHECK(after.sa_handler == before.sa_handler);
}

TEST_CASE("a service can be reached over its own loopback", "[lifecycle]") {
    TestBundle bundle;
    Running listens = start_probe(bundle, {"listen", "4711"});
    REQUIRE(listens.line() == "ready");
    CHECK_FALSE(listens.container.connect_tcp(4712, 1s));
    CHECK_FALSE(UniqueFd(::socket(0, 0, 0)));
    const UniqueFd connection = listens.container.connect_tcp(4711, 5s);
    REQUIRE(connection);
    CHECK(read_to_end(connection.get(), 100) == "hello");
    CHECK(listens.container.wait() == ExitStatus{0, 0});
    CHECK_FALSE(listens.container.connect_tcp(4711, 1s));
}

TEST_CASE("a hundred containers leave no process, mount, descriptor or file", "[lifecycle]") {
    TestBundle bundle;
    bundle.configure({"exit", "0"});
    const std::string files = listing(bundle.path());
    const Belongings before = belongings();
    for (int i = 0; i < 100; ++i) {
        Container container = Container::start(bundle.path(), {{-1, -1, -1}, nullptr, {}});
        if (i % 2 == 0) REQUIRE(container.wait() == ExitStatus{0, 0});
    }
    CHECK(belongings() == before);
    CHECK(listing(bundle.path()) == files);
}

}  // namespace smith::runtime
