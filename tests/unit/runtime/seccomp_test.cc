// SPDX-License-Identifier: Apache-2.0
#include "runtime/seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "base/error.h"

namespace smith::runtime {

namespace {

/// Runs a filter as the kernel would, as far as libseccomp's programs go (linux/filter.h).
std::uint32_t verdict(const SeccompProgram& program, std::uint32_t architecture, int number,
                      std::vector<std::uint64_t> arguments = {}) {
    seccomp_data data{};
    data.nr = number;
    data.arch = architecture;
    for (std::size_t i = 0; i < arguments.size(); ++i) data.args[i] = arguments[i];
    std::vector<sock_filter> code(program.instructions.size() / sizeof(sock_filter));
    std::memcpy(code.data(), program.instructions.data(), program.instructions.size());
    std::uint32_t accumulator = 0;
    for (std::size_t at = 0; at < code.size(); ++at) {
        const sock_filter& op = code[at];
        switch (op.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + op.k, sizeof accumulator);
                break;
            case BPF_ALU | BPF_AND | BPF_K: accumulator &= op.k; break;
            case BPF_JMP | BPF_JA: at += op.k; break;
            case BPF_JMP | BPF_JEQ | BPF_K: at += accumulator == op.k ? op.jt : op.jf; break;
            case BPF_JMP | BPF_JGT | BPF_K: at += accumulator > op.k ? op.jt : op.jf; break;
            case BPF_JMP | BPF_JGE | BPF_K: at += accumulator >= op.k ? op.jt : op.jf; break;
            case BPF_RET | BPF_K: return op.k;
            default: FAIL("an instruction that libseccomp never wrote before: " << op.code);
        }
    }
    FAIL("the filter ends without a verdict");
    return 0;
}

std::uint32_t native_verdict(const SeccompProgram& program, const char* name, std::vector<std::uint64_t> args = {}) {
    return verdict(program, seccomp_arch_native(), seccomp_syscall_resolve_name(name), std::move(args));
}

constexpr std::uint32_t refused_with(int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); }

}  // namespace

TEST_CASE("the default filter allows everyday calls and refuses those that shape the machine", "[seccomp]") {
    const SeccompProgram program = compile_seccomp(default_seccomp());
    for (const char* name : {"read", "openat2", "execve", "futex", "clone", "ptrace", "epoll_wait", "rseq"}) {
        CAPTURE(name);
        CHECK(native_verdict(program, name) == SECCOMP_RET_ALLOW);
    }
    for (const char* name : {"mount", "unshare", "setns", "bpf", "keyctl", "init_module", "reboot", "open_by_handle_at",
                             "userfaultfd", "perf_event_open", "pivot_root", "clock_settime"}) {
        CAPTURE(name);
        CHECK(native_verdict(program, name) == refused_with(EPERM));
    }
    for (const char* name : {"clone3", "io_uring_setup"}) {
        CAPTURE(name);
        CHECK(native_verdict(program, name) == refused_with(ENOSYS));
    }
    CHECK(verdict(program, seccomp_arch_native(), 999) == refused_with(ENOSYS));
}

TEST_CASE("the default filter looks at arguments where a call has a harmless side", "[seccomp]") {
    const SeccompProgram program = compile_seccomp(default_seccomp());
    CHECK(native_verdict(program, "clone", {0x11}) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(program, "clone", {0x10000000}) == refused_with(ENOSYS));  // CLONE_NEWUSER
    CHECK(native_verdict(program, "socket", {2}) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(program, "socket", {40}) == refused_with(ENOSYS));  // AF_VSOCK
    CHECK(native_verdict(program, "personality", {0xffffffff}) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(program, "personality", {0x0040000}) == refused_with(ENOSYS));  // ADDR_NO_RANDOMIZE
}

#if defined(__x86_64__)
TEST_CASE("a program for i386 is killed unless it is expected, one for x32 always", "[seccomp]") {
    constexpr int i386_read = 3;
    constexpr int x32_read = 0x40000000;
    const SeccompProgram plain = compile_seccomp(default_seccomp());
    const SeccompProgram both = compile_seccomp(default_seccomp(true));
    CHECK(verdict(plain, AUDIT_ARCH_I386, i386_read) == SECCOMP_RET_KILL_THREAD);
    CHECK(verdict(both, AUDIT_ARCH_I386, i386_read) == SECCOMP_RET_ALLOW);
    CHECK(verdict(both, AUDIT_ARCH_I386, 21) == refused_with(EPERM));  // mount
    CHECK(verdict(both, AUDIT_ARCH_X86_64, seccomp_syscall_resolve_name("read")) == SECCOMP_RET_ALLOW);
    CHECK(verdict(both, AUDIT_ARCH_X86_64, x32_read) != SECCOMP_RET_ALLOW);
}
#endif

TEST_CASE("comparisons of different arguments are all needed, of the same argument one is enough", "[seccomp]") {
    SeccompConfig config{"SCMP_ACT_ALLOW", {}, {}, {}, {}};
    config.rules.push_back({{"lseek"}, "SCMP_ACT_ERRNO", 5, {{0, 1, 0, "SCMP_CMP_EQ"}, {1, 2, 0, "SCMP_CMP_EQ"}}});
    config.rules.push_back({{"dup"}, "SCMP_ACT_ERRNO", 6, {{0, 1, 0, "SCMP_CMP_EQ"}, {0, 2, 0, "SCMP_CMP_EQ"}}});
    const SeccompProgram program = compile_seccomp(config);
    CHECK(native_verdict(program, "lseek", {1, 2}) == refused_with(5));
    CHECK(native_verdict(program, "lseek", {1, 3}) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(program, "dup", {2}) == refused_with(6));
    CHECK(native_verdict(program, "dup", {3}) == SECCOMP_RET_ALLOW);
}

TEST_CASE("a call that libseccomp does not know gets the default action", "[seccomp]") {
    SeccompConfig config{"SCMP_ACT_ERRNO", 38, {}, {}, {}};
    config.rules.push_back({{"read", "call_of_the_future"}, "SCMP_ACT_ALLOW", {}, {}});
    CHECK(native_verdict(compile_seccomp(config), "read") == SECCOMP_RET_ALLOW);
}

TEST_CASE("words that the specification does not have are refused", "[seccomp][invalid]") {
    const auto refused = [](SeccompConfig config) { CHECK_THROWS_AS(compile_seccomp(config), Error); };
    refused({"SCMP_ACT_MAYBE", {}, {}, {}, {}});
    refused({"SCMP_ACT_NOTIFY", {}, {}, {}, {}});
    refused({"SCMP_ACT_ALLOW", 1, {}, {}, {}});
    refused({"SCMP_ACT_ERRNO", 4096, {}, {}, {}});
    refused({"SCMP_ACT_ALLOW", {}, {"SCMP_ARCH_Z80"}, {}, {}});
    refused({"SCMP_ACT_ALLOW", {}, {}, {"SECCOMP_FILTER_FLAG_NEW_LISTENER"}, {}});
    refused({"SCMP_ACT_ALLOW", {}, {}, {}, {{{"read"}, "SCMP_ACT_KILL", {}, {{6, 0, 0, "SCMP_CMP_EQ"}}}}});
    refused({"SCMP_ACT_ALLOW", {}, {}, {}, {{{"read"}, "SCMP_ACT_KILL", {}, {{0, 0, 0, "=="}}}}});
}

}  // namespace smith::runtime
