// SPDX-License-Identifier: Apache-2.0
//
// As injection_test.cc, for what an OCI runtime does beyond a smoke test: processes that are added, hooks, terminals,
// filters with a listener.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "runtime/console.h"
#include "tests/runtime/failing_kernel.h"
#include "tests/runtime/test_bundle.h"

namespace smith::runtime {

namespace {

/// A socket that takes connections without looking at them.
class Agent {
public:
    explicit Agent(const std::filesystem::path& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        REQUIRE(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(listen(socket_.get(), 8) == 0);
        REQUIRE(fcntl(socket_.get(), F_SETFL, O_NONBLOCK) == 0);
    }
    /// Hangs up on all that are waiting; returns how many they were.
    int hang_up() {
        int count = 0;
        while (const UniqueFd caller{accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)}) ++count;
        return count;
    }

private:
    UniqueFd socket_;
};

struct PipeEnds {
    UniqueFd read;
    UniqueFd write;
};

PipeEnds pipe_ends() {
    int fds[2];
    REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

/// Creates a container and kills it. Throws what create throws.
void create_and_kill(const Bundle& bundle, Kernel& kernel) {
    PipeEnds status = pipe_ends();
    PipeEnds gate = pipe_ends();
    ConsolePair console = make_console_pair();
    CreateOptions options;
    options.stdio = {-1, -1, -1};
    options.kernel = &kernel;
    options.gate = {std::move(status.read), std::move(status.write), std::move(gate.read)};
    options.plan.console_socket = std::move(console.theirs);
    options.state = [](pid_t, bool) { return std::string("{}"); };
    Container container = Container::create(bundle, std::move(options));
    container.signal(SIGKILL);
    container.wait();
}

}  // namespace

TEST_CASE("nor of hooks, a terminal and a seccomp listener, at whatever call a creation fails", "[injection]") {
    TestBundle bundle;
    const std::filesystem::path socket = bundle.path() / "agent";
    const bool no_new_privileges = GENERATE(true, false);
    bundle.bend = [&](nlohmann::json& document) {
        document["process"]["terminal"] = true;
        document["process"]["noNewPrivileges"] = no_new_privileges;
        const nlohmann::json hook = {{{"path", "/bin/true"}}};
        document["hooks"] = {{"prestart", hook}, {"createContainer", hook}};
        document["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                        {"listenerPath", socket.string()},
                                        {"syscalls", {{{"names", {"chown"}}, {"action", "SCMP_ACT_NOTIFY"}}}}};
    };
    bundle.configure({"exit", "3"});
    const Bundle loaded = load_bundle(bundle.path());
    Agent agent(socket);
    const Belongings before = belongings();
    int failed = 0;
    int told = 0;
    for (int at = 0, harmless = 0; harmless < 80; ++at) {
        CAPTURE(at);
        FailingKernel kernel(at);
        try {
            create_and_kill(loaded, kernel);
            ++harmless;
        } catch (const Error&) {
            ++failed;
            harmless = 0;
        }
        told += agent.hang_up();
        REQUIRE(belongings() == before);
    }
    CHECK(failed > 150);
    CHECK(told >= 80);
}

TEST_CASE("nor of a process that is added to a container", "[injection]") {
    TestBundle bundle;
    const std::filesystem::path socket = bundle.path() / "agent";
    const bool with_listener = GENERATE(false, true);
    bundle.bend = [&](nlohmann::json& document) {
        document["linux"].erase("seccomp");
        if (!with_listener) return;
        document["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                        {"listenerPath", socket.string()},
                                        {"syscalls", {{{"names", {"chown"}}, {"action", "SCMP_ACT_NOTIFY"}}}}};
    };
    bundle.configure({"exit", "3"});
    const RuntimeConfig config = load_bundle(bundle.path()).config;
    TestBundle other;
    other.bend = [](nlohmann::json& document) { document["linux"].erase("seccomp"); };
    Running running = start_probe(other, {"pause"});
    REQUIRE(running.line() == "ready");
    const std::string pid = std::to_string(running.container.pid());
    const std::string children_file = "/proc/" + pid + "/task/" + pid + "/children";
    Agent agent(socket);
    const Belongings before = belongings();
    int failed = 0;
    for (int at = 0, harmless = 0; harmless < 40; ++at) {
        CAPTURE(at);
        FailingKernel kernel(at);
        CreateOptions options;
        options.stdio = {-1, -1, -1};
        options.kernel = &kernel;
        options.state = [](pid_t, bool) { return std::string("{}"); };
        try {
            Container added =
                Container::join(config, {running.container.pid(), running.container.pidfd()}, std::move(options));
            REQUIRE(added.wait() == ExitStatus{3, 0});
            ++harmless;
        } catch (const Error&) {
            ++failed;
            harmless = 0;
        }
        static_cast<void>(agent.hang_up());
        REQUIRE(belongings() == before);
        REQUIRE(contents_of(children_file).empty());
    }
    CHECK(failed > 50);
}

}  // namespace smith::runtime
