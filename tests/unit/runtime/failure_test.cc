// SPDX-License-Identifier: Apache-2.0
#include "runtime/failure.h"

#include <sys/syscall.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>

#include "runtime/child.h"

namespace smith::runtime {

namespace {

Plan plan_with_one_mount() {
    Plan plan;
    plan.process.args = {"/bin/app"};
    plan.process.cwd = "/work";
    PlannedMount mount;
    mount.place.prefixes = {"proc"};
    mount.type = "proc";
    mount.refuse_symlinks = true;
    plan.mounts.push_back(std::move(mount));
    plan.readonly_paths = {Place{{"proc", "proc/sys"}}};
    plan.masked_paths = {Place{{"proc", "proc/kcore"}}};
    return plan;
}

std::string said(StepId step, int error, int call, std::uint32_t item = 0, const char* text = "") {
    Failure failure{};
    failure.step = step;
    failure.error_number = error;
    failure.call = call;
    failure.item = item;
    std::strncpy(failure.text, text, sizeof failure.text - 1);
    return describe_failure(failure, plan_with_one_mount());
}

}  // namespace

TEST_CASE("a failed step is one sentence: what was done, to what, by which call, and the errno", "[failure]") {
    CHECK(said(StepId::loopback, EPERM, SYS_ioctl) ==
          "bringing up the loopback interface: ioctl: Operation not permitted");
    CHECK(said(StepId::mount_file_systems, EBUSY, SYS_move_mount) ==
          "mounting proc on '/proc': move_mount: Device or resource busy");
    CHECK(said(StepId::cover_paths, EIO, SYS_open_tree, 0) ==
          "making '/proc/sys' read-only: open_tree: Input/output error");
    CHECK(said(StepId::cover_paths, EIO, SYS_fsmount, 1) == "masking '/proc/kcore': fsmount: Input/output error");
}

TEST_CASE("what would help is said where it is known", "[failure]") {
    CHECK(said(StepId::mount_file_systems, ELOOP, SYS_openat2) ==
          "mounting proc on '/proc': openat2: Too many levels of symbolic links (the image has a symbolic link there)");
    CHECK(said(StepId::place_root, ENOSYS, SYS_mount_setattr).find("(Linux 5.12 or newer is needed)") !=
          std::string::npos);
    CHECK(said(StepId::launch_exec, ENOENT, SYS_execve) ==
          "running '/bin/app': No such file or directory (it is not there, or what its '#!' line or its ELF header "
          "wants to be run by is not)");
    CHECK(said(StepId::enter_cwd, ELOOP, SYS_openat2).find("may not lead through /proc's links") != std::string::npos);
}

TEST_CASE("the kernel's own words are passed on, made fit for a terminal", "[failure]") {
    CHECK(said(StepId::mount_file_systems, EINVAL, SYS_fsconfig, 0, "e tmpfs: Bad value for 'size'\n") ==
          "mounting proc on '/proc': fsconfig: Invalid argument ('e tmpfs: Bad value for 'size'')");
}

TEST_CASE("a report that makes no sense still makes a sentence", "[failure]") {
    CHECK(said(StepId::mount_file_systems, EIO, -1, 4711) == "mounting: Input/output error");
    CHECK(said(static_cast<StepId>(999), EIO, 99999) == "setting up: system call 99999: Input/output error");
}

TEST_CASE("a report is written to the pipe in one piece", "[failure]") { CHECK(sizeof(Failure) <= 512); }

}  // namespace smith::runtime
