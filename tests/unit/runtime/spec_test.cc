// SPDX-License-Identifier: Apache-2.0
#include "runtime/spec.h"

#include <linux/mount.h>
#include <sched.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/error.h"

namespace smith::runtime {

namespace {

const MountConfig* mount_on(const RuntimeConfig& config, const std::string& destination) {
    for (const MountConfig& mount : config.mounts) {
        if (mount.destination == destination) return &mount;
    }
    return nullptr;
}

SpecParameters parameters_for(std::uint32_t id) {
    SpecParameters parameters;
    parameters.args = {"/bin/app", "--serve"};
    parameters.uid = parameters.gid = id;
    parameters.mappings = {{{id, 1000, 1}}, {{id, 1000, 1}}};
    return parameters;
}

}  // namespace

TEST_CASE("the rules of a microcontainer are a configuration that our own parser takes", "[spec]") {
    const RuntimeConfig config = parse_config(default_config(parameters_for(10)));
    CHECK(config.process.args == std::vector<std::string>{"/bin/app", "--serve"});
    CHECK(config.process.uid == 10);
    CHECK(config.process.no_new_privileges);
    CHECK(config.process.capabilities == Capabilities{});
    CHECK(config.root_readonly);
    CHECK(config.seccomp.has_value());
    CHECK(config.namespaces ==
          (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP));
    CHECK_FALSE(config.masked_paths.empty());
    CHECK_FALSE(config.readonly_paths.empty());
    REQUIRE(mount_on(config, "/run") != nullptr);
    CHECK(mount_on(config, "/run")->type == "tmpfs");
    CHECK(mount_on(config, "/write")->type == "tmpfs");
    CHECK(mount_on(config, "/read") == nullptr);
    CHECK(mount_on(config, "/tmp") == nullptr);
    CHECK((mount_on(config, "/sys")->options.set & MOUNT_ATTR_RDONLY) != 0);
}

TEST_CASE("directories of the host are shown as /write and, read-only, as /read", "[spec]") {
    SpecParameters parameters = parameters_for(10);
    parameters.write_directory = "/srv/data";
    parameters.read_directory = "/srv/config";
    const RuntimeConfig config = parse_config(default_config(parameters));
    CHECK(mount_on(config, "/write")->source == "/srv/data");
    CHECK((mount_on(config, "/write")->options.set & MOUNT_ATTR_RDONLY) == 0);
    CHECK(mount_on(config, "/read")->source == "/srv/config");
    CHECK((mount_on(config, "/read")->options.set & MOUNT_ATTR_RDONLY) != 0);
    CHECK(mount_on(config, "/read")->options.recursive_set == 0);  // gVisor refuses it
    parameters.read_has_mounts = true;
    const RuntimeConfig recursive = parse_config(default_config(parameters));
    CHECK((mount_on(recursive, "/read")->options.recursive_set & MOUNT_ATTR_RDONLY) != 0);
}

TEST_CASE("the host's network is shared by not making one", "[spec]") {
    SpecParameters parameters = parameters_for(10);
    parameters.host_network = true;
    CHECK((parse_config(default_config(parameters)).namespaces & CLONE_NEWNET) == 0);
}

TEST_CASE("an image's volumes are scratch space, an outer one before an inner one", "[spec]") {
    SpecParameters parameters = parameters_for(10);
    parameters.tmpfs_directories = {"/var/cache/a", "/var/cache", "/run", "/var/cache"};
    const RuntimeConfig config = parse_config(default_config(parameters));
    const MountConfig* outer = mount_on(config, "/var/cache");
    const MountConfig* inner = mount_on(config, "/var/cache/a");
    REQUIRE(outer != nullptr);
    REQUIRE(inner != nullptr);
    CHECK(outer < inner);
    CHECK(std::count_if(config.mounts.begin(), config.mounts.end(),
                        [](const MountConfig& mount) { return mount.destination == "/run"; }) == 1);
}

TEST_CASE("the same parameters give the same bytes", "[spec]") {
    CHECK(default_config(parameters_for(10)) == default_config(parameters_for(10)));
}

TEST_CASE("an argument that JSON cannot hold is an error, not a question mark", "[spec][invalid]") {
    SpecParameters parameters = parameters_for(10);
    parameters.args = {"/bin/app", "\xff"};
    CHECK_THROWS_AS(default_config(parameters), Error);
}

}  // namespace smith::runtime
