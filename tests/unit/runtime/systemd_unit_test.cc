// SPDX-License-Identifier: Apache-2.0
#include "runtime/systemd_unit.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "runtime/config.h"

namespace smith::runtime {

namespace {

struct Show {
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(double value) const { return std::to_string(value); }
    std::string operator()(std::int32_t value) const { return "i" + std::to_string(value); }
    std::string operator()(std::uint32_t value) const { return "u" + std::to_string(value); }
    std::string operator()(std::int64_t value) const { return "x" + std::to_string(value); }
    std::string operator()(std::uint64_t value) const {
        return value == ~std::uint64_t{0} ? "infinity" : std::to_string(value);
    }
    std::string operator()(const std::string& text) const { return "'" + text + "'"; }
    template <typename Element>
    std::string operator()(const std::vector<Element>& elements) const {
        std::string out;
        for (const Element& element : elements) out += (out.empty() ? "" : " ") + of(element);
        return "[" + out + "]";
    }
    std::string of(const std::string& text) const { return text; }
    std::string of(std::integral auto number) const { return std::to_string(number); }
    std::string of(const std::pair<std::string, std::string>& pair) const { return pair.first + "=" + pair.second; }
};

/// "Name=value" for each, a line each.
std::string shown(const std::vector<DbusProperty>& properties) {
    std::string out;
    for (const DbusProperty& property : properties)
        out += property.name + "=" + std::visit(Show{}, property.value) + "\n";
    return out;
}

std::string limits_of(const char* resources, SystemdHost host = {true, 255}, bool creating = true) {
    std::vector<std::string> warnings;
    const std::string out = shown(resource_properties(parse_resources(resources), host, creating, warnings));
    return out + (warnings.empty() ? "" : "! " + warnings.front());
}

std::string devices_of(const std::string& rules) {
    std::vector<std::string> warnings;
    const auto parsed = parse_resources(R"({"devices": [)" + rules + "]}").devices;
    const std::string out = shown(device_properties(parsed, warnings));
    return out + (warnings.empty() ? "" : "! " + warnings.front());
}

std::string annotated(const std::string& name, const std::string& text) {
    return shown(annotated_properties({{"org.systemd.property." + name, text}, {"other", "'x'"}}));
}

constexpr const char* kDefaults =
    "char-*=m block-*=m /dev/char/1:3=rwm /dev/char/1:5=rwm /dev/char/1:7=rwm /dev/char/1:8=rwm /dev/char/1:9=rwm "
    "/dev/char/5:0=rwm /dev/char/5:1=rwm /dev/char/5:2=rwm char-136=rwm";

}  // namespace

TEST_CASE("slice:prefix:name is a scope in a slice, as runc and crun have it", "[systemd]") {
    CHECK(parse_systemd_scope("machine.slice:libpod:1234", "x", false) ==
          SystemdScope{"machine.slice", "libpod-1234.scope"});
    CHECK(parse_systemd_scope("::a", "x", false) == SystemdScope{"system.slice", "-a.scope"});
    CHECK(parse_systemd_scope(":p:a", "x", true) == SystemdScope{"user.slice", "p-a.scope"});
    CHECK(parse_systemd_scope("", "railcar-a+b", false) == SystemdScope{"system.slice", "railcar-a\\x2bb.scope"});
}

TEST_CASE("a cgroupsPath that is no scope is refused with what is expected", "[systemd]") {
    for (const char* path : {"/a/b", "a.slice:b", "a.slice:b:c:d", "a:b:c", "a.slice:b:", "a.slice:b:c.slice",
                             "a.slice:b:../c", "a.slice:b:c d", "../a.slice:b:c", "a--b.slice:b:c", ".slice:b:c",
                             "-a.slice:b:c", "a-.slice:b:c", "a.slice:b:c',arg0='x"}) {
        CAPTURE(path);
        CHECK_THROWS_AS(parse_systemd_scope(path, "x", false), Error);
    }
    CHECK_THROWS_AS(parse_systemd_scope("a.slice:b:" + std::string(300, 'c'), "x", false), Error);
    CHECK_THROWS_WITH(parse_systemd_scope("/a/b", "x", false), Catch::Contains("'slice:prefix:name'"));
}

TEST_CASE("a slice is below those that its name begins with", "[systemd]") {
    CHECK(slice_directory("system.slice") == "/system.slice");
    CHECK(slice_directory("a-b-c.slice") == "/a.slice/a-b.slice/a-b-c.slice");
    CHECK(slice_directory("-.slice").empty());
}

TEST_CASE("limits of version 2 become properties that say the same", "[systemd]") {
    CHECK(limits_of(R"({"memory": {"limit": 1000, "reservation": 500, "swap": 1500}, "pids": {"limit": 20},
                        "cpu": {"shares": 1024, "quota": 25000, "period": 50000, "cpus": "0,2-3,9", "mems": "0"},
                        "blockIO": {"weight": 10}, "hugepageLimits": [{"pageSize": "2MB", "limit": 9}]})") ==
          "MemoryMax=1000\nMemorySwapMax=500\nMemoryLow=500\nCPUWeight=100\nAllowedCPUs=[13 2]\n"
          "AllowedMemoryNodes=[1]\nIOWeight=1\nTasksMax=20\nCPUQuotaPeriodUSec=50000\nCPUQuotaPerSecUSec=500000\n");
    CHECK(limits_of(R"({"memory": {"limit": -1}, "pids": {"limit": -1}, "cpu": {"quota": -1}})") ==
          "MemoryMax=infinity\nMemorySwapMax=infinity\nTasksMax=infinity\nCPUQuotaPerSecUSec=infinity\n");
    CHECK(limits_of("{}").empty());
    // Up to the next percent of a processor: the file below must not be cut.
    CHECK(limits_of(R"({"cpu": {"quota": 12345}})") == "CPUQuotaPerSecUSec=130000\n");
    CHECK(limits_of(R"({"cpu": {"quota": 9223372036854775807}})") == "CPUQuotaPerSecUSec=infinity\n");
}

TEST_CASE("what stands in unified is told to systemd as well, and has the last word", "[systemd]") {
    CHECK(limits_of(R"({"pids": {"limit": 5}, "unified": {"pids.max": "7", "memory.high": "512M", "memory.min": "max",
                        "cpu.max": "1000 2000", "cpuset.cpus": "1", "io.weight": "default 50", "io.max": "8:0 rbps=1",
                        "memory.zswap.max": "0", "memory.oom.group": "1"}})") ==
          "TasksMax=7\nAllowedCPUs=[2]\nIOWeight=50\nMemoryHigh=536870912\nMemoryMin=infinity\nOOMPolicy='kill'\n"
          "MemoryZSwapMax=0\nCPUQuotaPeriodUSec=2000\nCPUQuotaPerSecUSec=500000\n");
    CHECK(limits_of(R"({"unified": {"cpu.idle": "1", "cpu.weight": "5"}})") == "CPUWeight=0\n");
    // What can only be said when the unit is made.
    CHECK(limits_of(R"({"unified": {"memory.oom.group": "1"}})", {true, 255}, false).empty());
    for (const char* value : {"many", "18446744073709551615K", "-5", ""}) {
        CAPTURE(value);
        CHECK(limits_of((std::string(R"({"unified": {"memory.max": ")") + value + "\"}}").c_str())
                  .starts_with("! the value '" + std::string(value) + "' of 'memory.max' cannot be told to systemd"));
    }
    for (const char* value : {"3-1", "0-", "a", "0-99999", "-1"}) {
        CAPTURE(value);
        CHECK(limits_of((std::string(R"({"unified": {"cpuset.cpus": ")") + value + "\"}}").c_str())
                  .starts_with("! the value"));
    }
}

TEST_CASE("a number that systemd does not take is not told to it, since it would refuse all others too", "[systemd]") {
    CHECK(limits_of(R"({"pids": {"limit": 0}, "memory": {"reservation": 0}})") ==
          "MemoryLow=0\n! the value '0' of 'pids.max' cannot be told to systemd, which may set it back");
    for (const char* file : {"memory.max", "memory.high", "cpu.weight", "io.weight"}) {
        CAPTURE(file);
        CHECK(limits_of((std::string(R"({"unified": {")") + file + R"(": "0"}})").c_str()).starts_with("! the value"));
    }
    CHECK(limits_of(R"({"unified": {"cpu.weight": "10001"}})").starts_with("! the value"));
    CHECK(limits_of(R"({"cpu": {"shares": 1}})", {false, 252}).starts_with("! the value"));
}

TEST_CASE("a systemd is not told what it does not know yet", "[systemd]") {
    constexpr const char* all =
        R"({"cpu": {"quota": 25000, "period": 50000, "cpus": "0"}, "unified": {"memory.min": "1",
                                    "memory.zswap.max": "1", "cpu.idle": "1", "memory.oom.group": "0"}})";
    CHECK(limits_of(all, {true, 253}) ==
          "AllowedCPUs=[1]\nMemoryMin=1\nOOMPolicy='continue'\nMemoryZSwapMax=1\nCPUWeight=0\n"
          "CPUQuotaPeriodUSec=50000\nCPUQuotaPerSecUSec=500000\n");
    CHECK(limits_of(all, {true, 245}) ==
          "AllowedCPUs=[1]\nMemoryMin=1\nCPUQuotaPeriodUSec=50000\nCPUQuotaPerSecUSec=500000\n");
    CHECK(limits_of(all, {true, 239}) == "CPUQuotaPerSecUSec=500000\n");
}

TEST_CASE("limits of version 1 become the properties of old, for what systemd does there", "[systemd]") {
    CHECK(limits_of(R"({"memory": {"limit": 1000, "swap": 2000}, "pids": {"limit": 20}, "blockIO": {"weight": 300},
                        "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0"}})",
                    {false, 252}) ==
          "MemoryLimit=1000\nCPUShares=512\nBlockIOWeight=300\nTasksMax=20\nCPUQuotaPeriodUSec=100000\n"
          "CPUQuotaPerSecUSec=500000\n");
    CHECK(limits_of(R"({"cpu": {"period": 50000}})", {false, 252}) ==
          "CPUQuotaPeriodUSec=50000\nCPUQuotaPerSecUSec=infinity\n");
}

TEST_CASE("device rules become a list of what is allowed, the default devices in it", "[systemd]") {
    CHECK(devices_of("").empty());
    CHECK(devices_of(R"({"allow": false, "access": "rwm"})") ==
          std::string("DevicePolicy='strict'\nDeviceAllow=[]\nDeviceAllow=[") + kDefaults + "]\n");
    CHECK(devices_of(R"({"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229,
                       "access": "rw"}, {"allow": true, "type": "b", "major": 8, "access": "r"}, {"allow": true,
                       "major": 7, "access": "m"}, {"allow": false, "type": "b", "major": 7, "access": "rwm"})") ==
          std::string("DevicePolicy='strict'\nDeviceAllow=[]\n"
                      "DeviceAllow=[/dev/char/10:229=rw block-8=r char-7=m ") +
              kDefaults + "]\n");
}

TEST_CASE("systemd restricts nothing where everything is allowed that isn't denied", "[systemd]") {
    constexpr const char* nothing = "DevicePolicy='auto'\nDeviceAllow=[]\n";
    CHECK(devices_of(R"({"allow": false, "type": "c", "major": 1, "minor": 11, "access": "rwm"})") == nothing);
    CHECK(devices_of(R"({"allow": false, "access": "rwm"}, {"allow": true, "access": "rwm"})") == nothing);
}

TEST_CASE("systemd's list is no shorter than ours, and says so where it is", "[systemd]") {
    // An exception to what is allowed: the cgroup's own rules see to it.
    CHECK(devices_of(R"({"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "access": "rw"},
                       {"allow": false, "type": "c", "major": 10, "minor": 1, "access": "w"})")
              .find("char-10=rw ") != std::string::npos);
    CHECK(devices_of(R"({"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "minor": 7, "access": "rw"})")
              .find("! a rule about all devices of minor number 7 cannot be told to systemd") != std::string::npos);
}

TEST_CASE("annotations are GVariant text, as runc and crun read it", "[systemd]") {
    CHECK(annotated("TimeoutStopUSec", "uint64 123456789") == "TimeoutStopUSec=123456789\n");
    CHECK(annotated("CollectMode", "'inactive-or-failed'") == "CollectMode='inactive-or-failed'\n");
    CHECK(annotated("CollectMode", R"( "it's \"so\" \\" )") == "CollectMode='it's \"so\" \\'\n");
    CHECK(annotated("Delegate", "true") == "Delegate=true\n");
    CHECK(annotated("Some", "-7") == "Some=i-7\n");
    CHECK(annotated("Some", "uint32 7") == "Some=u7\n");
    CHECK(annotated("Some", "int64 -7") == "Some=x-7\n");
    CHECK(annotated("After", "['a.service', \"b.service\"]") == "After=[a.service b.service]\n");
    CHECK(annotated("After", "@as []") == "After=[]\n");
    // As units' files have it.
    CHECK(annotated("TimeoutStopSec", "7") == "TimeoutStopUSec=7000000\n");
    CHECK(annotated("TimeoutStopSec", "uint64 7") == "TimeoutStopUSec=7000000\n");
}

TEST_CASE("an annotation that is no simple value, or names no property, is refused", "[systemd]") {
    for (const char* text :
         {"",        "[",      "[1, 2]",     "['a'",      "['a' 'b']",         "'a",  "'a' b",  "('a', 1)", "{'a': 1}",
          "@at [1]", "uint64", "uint64 x",   "uint64 -1", "uint32 4294967296", "7.5", "byte 7", "<7>",      "nothing",
          R"('\q')", R"('\)",  "true false", "2147483648"}) {
        CAPTURE(text);
        CHECK_THROWS_WITH(annotated("Some", text), Catch::Contains("org.systemd.property.Some"));
    }
    for (const char* name : {"", "ab", "../Slice", "Slice=", "S1ice"}) {
        CAPTURE(name);
        CHECK_THROWS_AS(annotated(name, "true"), Error);
    }
    CHECK_THROWS_AS(annotated("TimeoutStopSec", "'7'"), Error);
    CHECK_THROWS_AS(annotated("TimeoutStopSec", "-7"), Error);
    CHECK_THROWS_AS(annotated("TimeoutStopSec", "uint64 18446744073709551615"), Error);
}

}  // namespace smith::runtime
