// SPDX-License-Identifier: Apache-2.0
//
// What the commands of a runtime are told and what they remember: hooks, users, processes, states.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/config.h"
#include "runtime/process_identity.h"
#include "runtime/seccomp_cache.h"
#include "runtime/signal_name.h"
#include "runtime/state.h"
#include "runtime/user_string.h"
#include "tests/unit/runtime/documents.h"
#include "tests/unit/temp_dir.h"

namespace smith::runtime {

using nlohmann::json;

namespace {

json with_hooks(json hooks) {
    json document = small_document();
    document["hooks"] = std::move(hooks);
    return document;
}

ContainerState some_state() {
    ContainerState state;
    state.id = "web.1";
    state.created = true;
    state.process = {4711, 123456789};
    state.bundle = "/b";
    state.rootfs = "/b/rootfs";
    state.created_at = "2026-01-02T03:04:05.000000006Z";
    state.owner = 1000;
    state.annotations = {{"a", "b"}};
    state.cgroups = {{"", "/sys/fs/cgroup/x"}};
    return state;
}

template <typename Body>
std::string complaint_of(Body&& body) {
    try {
        body();
        return "";
    } catch (const Error& e) {
        return e.message();
    }
}

}  // namespace

TEST_CASE("hooks are read with their arguments, environment and timeout", "[hooks]") {
    const RuntimeConfig config = parse_config(
        with_hooks({{"prestart", {{{"path", "/bin/a"}}}},
                    {"poststop", {{{"path", "/b"}, {"args", {"b", "x"}}, {"env", {"K=V"}}, {"timeout", 3}}}}})
            .dump());
    REQUIRE(config.hooks.prestart.size() == 1);
    CHECK(config.hooks.prestart[0].args == std::vector<std::string>{"/bin/a"});
    CHECK(config.hooks.prestart[0].env.empty());
    CHECK(config.hooks.prestart[0].timeout_ms == -1);
    REQUIRE(config.hooks.poststop.size() == 1);
    CHECK(config.hooks.poststop[0].args == std::vector<std::string>{"b", "x"});
    CHECK(config.hooks.poststop[0].env == std::vector<std::string>{"K=V"});
    CHECK(config.hooks.poststop[0].timeout_ms == 3000);
}

TEST_CASE("a hook without an absolute path, or with a timeout of 0, is refused", "[hooks][invalid]") {
    const auto complaint = [](json hooks) {
        return complaint_of([&] { static_cast<void>(parse_config(with_hooks(std::move(hooks)).dump())); });
    };
    CHECK(complaint({{"createRuntime", {{{"path", "a"}}}}}) == "'hooks.createRuntime[0].path' is not an absolute path");
    CHECK(complaint({{"startContainer", {{{"path", "/a"}, {"timeout", 0}}}}}) ==
          "'hooks.startContainer[0].timeout' is 0, not between 1 and 86400");
}

TEST_CASE("a terminal has a size, and a configuration need not have a process", "[config]") {
    json document = small_document();
    document["process"]["terminal"] = true;
    document["process"]["consoleSize"] = {{"height", 25}, {"width", 80}};
    const RuntimeConfig config = parse_config(document.dump());
    CHECK(config.process.terminal);
    CHECK(config.process.console_size.rows == 25);
    CHECK(config.process.console_size.columns == 80);
    document.erase("process");
    CHECK_FALSE(parse_config(document.dump()).has_process);
}

TEST_CASE("a user is digits, nothing else (CVE-2026-30892)", "[user][invalid]") {
    CHECK(parse_user_ids("0").uid == 0);
    CHECK_FALSE(parse_user_ids("0").gid.has_value());
    CHECK(parse_user_ids("1000:27").gid == 27U);
    CHECK(parse_user_ids("4294967294").uid == 4294967294U);
    for (const char* text :
         {"",    " ",   "0 ",   " 0", "+0", "-1",    "-0",   "4294967295", "4294967296", "18446744073709551616",
          "0x0", "1.0", "root", "0:", ":0", "0:0:0", "0: 0", "0:+1",       "1e3",        "٣"}) {
        CAPTURE(text);
        CHECK(complaint_of([&] { static_cast<void>(parse_user_ids(text)); }).find(" is not a user") !=
              std::string::npos);
    }
    CHECK_FALSE(parse_id(std::string_view("0\0", 2)).has_value());
}

TEST_CASE("a process's start is found behind whatever name it gave itself", "[state]") {
    CHECK(parse_start_time("7 (a) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 991 1 1") == 991);
    CHECK(parse_start_time("7 (a) S 1 2 (x) S) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 991 1 1") == 991);
    for (const char* text : {"", "7", "7 (a", "7 (a) S 1", "7 (a) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 x"}) {
        CHECK(parse_start_time(text) == 0);
    }
    const ProcessIdentity self = identify(getpid());
    CHECK(self.start_time > 0);
    CHECK(open_process(linux_kernel(), self));
    CHECK_FALSE(open_process(linux_kernel(), {self.pid, self.start_time + 1}));
    CHECK_FALSE(open_process(linux_kernel(), {0, 0}));
}

TEST_CASE("a state is read back as it was written", "[state]") {
    const ContainerState state = some_state();
    const ContainerState again = parse_state(write_state(state));
    CHECK(write_state(again) == write_state(state));
    CHECK(again.process == state.process);
    CHECK(again.cgroups == state.cgroups);
}

TEST_CASE("a state that is not one is refused", "[state][invalid]") {
    const auto complaint = [](const char* pointer, json value) {
        json document = json::parse(write_state(some_state()));
        document[json::json_pointer(pointer)] = std::move(value);
        return complaint_of([&] { static_cast<void>(parse_state(document.dump())); });
    };
    CHECK(complaint("/version", 2) == "'version' is not 1: another railcar wrote this");
    CHECK(complaint("/pid", -1).find("'pid' is -1") == 0);
    CHECK(complaint("/pid", 4294967296).find("'pid' is 4294967296") == 0);
    CHECK(complaint("/bundle", "b") == "'bundle' is not an absolute path");
    CHECK(complaint("/cgroups", {{"memory", "../x"}}) == "'cgroups.memory' is not an absolute path");
    CHECK(complaint("/annotations", {{"a", 1}}) == "'annotations.a' is not a string");
    CHECK(complaint_of([] { static_cast<void>(parse_state("")); }).find("not valid JSON") == 0);
}

TEST_CASE("signals are known by number and by name", "[signal]") {
    CHECK(parse_signal("9") == 9);
    CHECK(parse_signal("KILL") == SIGKILL);
    CHECK(parse_signal("SIGTERM") == SIGTERM);
    CHECK(parse_signal("sigusr1") == SIGUSR1);
    CHECK(parse_signal("RTMIN+1") == SIGRTMIN + 1);
    CHECK(parse_signal("SIGRTMAX-2") == SIGRTMAX - 2);
    CHECK(parse_signal("64") == 64);
    for (const char* text :
         {"", "0", "65", "-9", "+9", "9 ", "SIG", "NOTHING", "RTMIN-1", "RTMAX+1", "RTMIN+99", "RTMINX"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_signal(text).has_value());
    }
}

TEST_CASE("a translated filter is found again, and only for what it was made from", "[seccomp]") {
    const TempDir directory;
    const std::filesystem::path cache = directory.path() / "cache";
    const SeccompConfig config = default_seccomp();
    const SeccompProgram program = compile_seccomp(config);
    CHECK(cached_seccomp(config, cache).instructions == program.instructions);
    CHECK(cached_seccomp(config, cache).instructions == program.instructions);
    REQUIRE(std::distance(std::filesystem::directory_iterator(cache), {}) == 1);
    SeccompConfig other = config;
    other.rules.front().errno_ret = 99;
    CHECK(seccomp_key(other) != seccomp_key(config));
    // Damaged, cut, of another key: it is made again.
    const std::filesystem::path file = std::filesystem::directory_iterator(cache)->path();
    for (const std::uintmax_t size : {std::uintmax_t{0}, std::uintmax_t{15}, std::filesystem::file_size(file) - 1}) {
        std::filesystem::resize_file(file, size);
        CHECK(cached_seccomp(config, cache).instructions == program.instructions);
    }
    const UniqueFd fd = open_file(file, O_WRONLY);
    REQUIRE(pwrite(fd.get(), "X", 1, 40) == 1);
    CHECK(cached_seccomp(config, cache).instructions == program.instructions);
    CHECK(cached_seccomp(config, "/nowhere/at/all").instructions == program.instructions);
}

TEST_CASE("what hooks read is the specification's state", "[state]") {
    const json running = json::parse(state_for_hooks(some_state(), Status::running));
    CHECK(running == json({{"ociVersion", "1.3.0"},
                           {"id", "web.1"},
                           {"status", "running"},
                           {"pid", 4711},
                           {"bundle", "/b"},
                           {"annotations", {{"a", "b"}}}}));
    CHECK(json::parse(state_for_people(some_state(), Status::stopped))["pid"] == 0);
}

}  // namespace smith::runtime
