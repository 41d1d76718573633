// SPDX-License-Identifier: Apache-2.0
//
// A directory in the place of the resctrl file system, which few machines have.
#include "runtime/resctrl.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/temp_dir.h"

namespace smith::runtime {

namespace fs = std::filesystem;

namespace {

/// In a new directory there is at once what the kernel has there, and rmdir takes it along.
class ResctrlKernel : public Kernel {
public:
    int refuse_writes = 0;  ///< an errno

protected:
    Result invoke(long number, long a, long b, long c, long d, long e) noexcept override {
        const auto* name = reinterpret_cast<const char*>(b);
        if (number == SYS_write && refuse_writes != 0) return -refuse_writes;
        if (number == SYS_unlinkat) {
            std::error_code error;
            fs::remove_all(fs::path("/proc/self/fd") / std::to_string(a) / name, error);
            return 0;
        }
        const Result result = Kernel::invoke(number, a, b, c, d, e);
        if (number == SYS_mkdirat && result == 0) {
            const fs::path made = fs::path("/proc/self/fd") / std::to_string(a) / name;
            for (const char* file : {"tasks", "schemata"}) std::ofstream(made / file).flush();
            fs::create_directory(made / "mon_groups");
        }
        return result;
    }
};

struct Fake {
    TempDir directory;
    ResctrlMount mount;
    ResctrlKernel kernel;

    Fake() {
        struct statfs status {};
        REQUIRE(statfs(directory.path().c_str(), &status) == 0);
        mount = {directory.path().string(), status.f_type};
        for (const char* file : {"tasks", "schemata"}) std::ofstream(directory.path() / file).flush();
        fs::create_directory(directory.path() / "mon_groups");
        fs::create_directory(directory.path() / "info");
    }
    [[nodiscard]] std::string at(const std::string& path) const { return read_file(directory.path() / path, 4096); }
    void put(const std::string& path, const std::string& text) const {
        fs::create_directories((directory.path() / path).parent_path());
        std::ofstream(directory.path() / path) << text;
    }
    [[nodiscard]] bool has(const std::string& path) const { return fs::exists(directory.path() / path); }
    ResctrlGroups enter(const IntelRdtConfig& config) { return enter_resctrl(kernel, mount, config, "box", 7); }
    std::string refusal(const IntelRdtConfig& config) {
        try {
            static_cast<void>(enter(config));
            return "";
        } catch (const Error& e) {
            return e.message();
        }
    }
};

IntelRdtConfig asked(const std::string& clos, std::vector<std::string> schemata = {}, std::size_t to_agree = 0,
                     bool monitoring = false) {
    return {clos, std::move(schemata), to_agree, monitoring};
}

}  // namespace

TEST_CASE("without a closID the class is the container's, and goes with it", "[resctrl]") {
    Fake fake;
    CHECK(plan_resctrl(fake.mount, asked("", {}, 0, true), "box") ==
          ResctrlGroups{fake.mount.path + "/box", fake.mount.path + "/box/mon_groups/box", true});
    const ResctrlGroups groups = fake.enter(asked("", {"L3:0=f"}, 1, true));
    CHECK(fake.at("box/schemata") == "L3:0=f\n");
    CHECK(fake.at("box/tasks") == "7\n");
    CHECK(fake.at("box/mon_groups/box/tasks") == "7\n");
    // Somebody else of that name finds it taken, and has nothing to remove.
    CHECK(fake.refusal(asked("")).find("File exists") != std::string::npos);
    CHECK_FALSE(plan_resctrl(fake.mount, asked(""), "box").ours);
    join_resctrl(fake.kernel, fake.mount, groups, 9);
    CHECK(fake.at("box/mon_groups/box/tasks").find('9') != std::string::npos);
    remove_resctrl(fake.kernel, fake.mount, groups);
    CHECK_FALSE(fake.has("box"));
    remove_resctrl(fake.kernel, fake.mount, groups);
}

TEST_CASE("a class with a name of its own is made, or must agree, and stays", "[resctrl]") {
    Fake fake;
    CHECK(fake.refusal(asked("gold")).find("which is not there") != std::string::npos);
    const ResctrlGroups groups = fake.enter(asked("gold", {"L3:0=f;1=3", "MB:0=20"}, 2));
    CHECK_FALSE(groups.ours);
    remove_resctrl(fake.kernel, fake.mount, groups);
    CHECK(fake.has("gold"));
    fake.put("gold/schemata", "    MB:0=100;1= 20\n    L3:0=00f;1=003\n");
    CHECK(fake.refusal(asked("gold", {"L3:0=F"}, 1)).empty());
    CHECK(fake.enter(asked("gold")).group == fake.mount.path + "/gold");
    CHECK(fake.refusal(asked("gold", {"L3:0=7"}, 1)).find("its schemata are not 'L3:0=7'") != std::string::npos);
    // What 1.3 has is written, whatever stands there.
    CHECK(fake.refusal(asked("gold", {"L3:0=7"})).empty());
}

TEST_CASE("the default class is the root, and is never removed", "[resctrl]") {
    Fake fake;
    const ResctrlGroups groups = fake.enter(asked("/", {}, 0, true));
    CHECK(fake.at("tasks") == "7\n");
    CHECK(fake.at("mon_groups/box/tasks") == "7\n");
    remove_resctrl(fake.kernel, fake.mount, groups);
    CHECK_FALSE(fake.has("mon_groups/box"));
    CHECK(fake.has("tasks"));
    remove_resctrl(fake.kernel, fake.mount, {fake.mount.path, "", true});
    remove_resctrl(fake.kernel, fake.mount, {"/tmp", "", true});
    CHECK(fake.has("tasks"));
}

TEST_CASE("what the kernel refuses is told in its words, and leaves nothing", "[resctrl]") {
    Fake fake;
    fake.put("info/last_cmd_status", "Mask f0f has non-consecutive 1-bits\n");
    fake.kernel.refuse_writes = EINVAL;
    const std::string refusal = fake.refusal(asked("gold", {"L3:0=f0f"}, 1, true));
    CHECK(refusal.find("'L3:0=f0f'") != std::string::npos);
    CHECK(refusal.ends_with("Invalid argument (Mask f0f has non-consecutive 1-bits)"));
    CHECK_FALSE(fake.has("gold"));
}

TEST_CASE("a class whose name leads elsewhere, or is the kernel's, is refused", "[resctrl][hostile]") {
    Fake fake;
    for (const char* name : {"..", ".", "a/b", "../x", "/a", "info", "mon_groups", "mon_data", "a\nb"}) {
        CAPTURE(name);
        CHECK(fake.refusal(asked(name, {"L3:0=f"})).find("is no name for a class of service") != std::string::npos);
    }
    fs::create_directory_symlink("/tmp", fake.directory.path() / "link");
    CHECK_FALSE(fake.refusal(asked("link")).empty());
}

TEST_CASE("what is not on a resctrl file system is not written to", "[resctrl][hostile]") {
    Fake fake;
    fake.mount.type = RDTGROUP_SUPER_MAGIC;
    CHECK(fake.refusal(asked("/")).find("is not on a resctrl file system") != std::string::npos);
    CHECK(fake.at("tasks").empty());
}

}  // namespace smith::runtime
