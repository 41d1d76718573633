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

TEST_CASE("each action of the specification is the kernel's", "[seccomp]") {
    const auto action = [](const char* name, std::optional<std::uint32_t> number = {}) {
        SeccompConfig config{"SCMP_ACT_ALLOW", {}, {}, {}, {{{"read"}, name, number, {}}}};
        config.listener_path = "/run/agent";
        return native_verdict(compile_seccomp(config), "read");
    };
    CHECK(action("SCMP_ACT_KILL") == SECCOMP_RET_KILL_THREAD);
    CHECK(action("SCMP_ACT_KILL_THREAD") == SECCOMP_RET_KILL_THREAD);
    CHECK(action("SCMP_ACT_KILL_PROCESS") == SECCOMP_RET_KILL_PROCESS);
    CHECK(action("SCMP_ACT_TRAP") == SECCOMP_RET_TRAP);
    CHECK(action("SCMP_ACT_ERRNO") == refused_with(EPERM));
    CHECK(action("SCMP_ACT_ERRNO", 0) == refused_with(0));
    CHECK(action("SCMP_ACT_ERRNO", 4094) == refused_with(4094));
    CHECK(action("SCMP_ACT_TRACE", 7) == (SECCOMP_RET_TRACE | 7U));
    CHECK(action("SCMP_ACT_LOG") == SECCOMP_RET_LOG);
    CHECK(action("SCMP_ACT_ALLOW") == SECCOMP_RET_ALLOW);
    CHECK(action("SCMP_ACT_NOTIFY") == SECCOMP_RET_USER_NOTIF);
}

TEST_CASE("each operator compares all 64 bits", "[seccomp]") {
    constexpr std::uint64_t limit = 0x1'0000'0005;
    const auto holds = [](const char* op, std::uint64_t argument, std::uint64_t value, std::uint64_t two = 0) {
        SeccompConfig config{"SCMP_ACT_ALLOW", {}, {}, {}, {{{"lseek"}, "SCMP_ACT_ERRNO", 5, {{1, value, two, op}}}}};
        return native_verdict(compile_seccomp(config), "lseek", {0, argument}) == refused_with(5);
    };
    struct Row {
        const char* op;
        bool below, equal, above;
    };
    for (const Row& row : {Row{"SCMP_CMP_NE", true, false, true}, Row{"SCMP_CMP_LT", true, false, false},
                           Row{"SCMP_CMP_LE", true, true, false}, Row{"SCMP_CMP_EQ", false, true, false},
                           Row{"SCMP_CMP_GE", false, true, true}, Row{"SCMP_CMP_GT", false, false, true}}) {
        CAPTURE(row.op);
        CHECK(holds(row.op, 5, limit) == row.below);  // the same lower half
        CHECK(holds(row.op, limit, limit) == row.equal);
        CHECK(holds(row.op, limit + 1, limit) == row.above);
    }
    CHECK(holds("SCMP_CMP_MASKED_EQ", 0x1'0000'00ff, 0x1'0000'0000, 0x1'0000'0000));
    CHECK_FALSE(holds("SCMP_CMP_MASKED_EQ", 0xff, 0x1'0000'0000, 0x1'0000'0000));
}

TEST_CASE("each architecture that libseccomp knows has its part of the filter", "[seccomp]") {
    SeccompConfig config{"SCMP_ACT_KILL", {}, {}, {}, {{{"read"}, "SCMP_ACT_ALLOW", {}, {}}}};
    for (const char* name :
         {"X86", "X86_64", "X32", "ARM", "AARCH64", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL", "MIPSEL64", "MIPSEL64N32",
          "PPC", "PPC64", "PPC64LE", "S390", "S390X", "PARISC", "PARISC64", "RISCV64"}) {
        CAPTURE(name);
        config.architectures = {std::string("SCMP_ARCH_") + name};
        CHECK_NOTHROW(compile_seccomp(config));
    }
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) return;
    config.architectures = {"SCMP_ARCH_ARM", "SCMP_ARCH_S390X"};  // that one cannot run here
    const SeccompProgram program = compile_seccomp(config);
    CHECK(verdict(program, AUDIT_ARCH_ARM, 3) == SECCOMP_RET_ALLOW);  // read
    CHECK(verdict(program, AUDIT_ARCH_ARM, 4) == SECCOMP_RET_KILL_THREAD);
    CHECK(native_verdict(program, "read") == SECCOMP_RET_ALLOW);
    CHECK(verdict(program, AUDIT_ARCH_S390X, 3) == SECCOMP_RET_KILL_THREAD);
}

TEST_CASE("flags are passed on, but for threads in step where there is a listener", "[seccomp]") {
    const std::vector<std::string> all = {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                                          "SECCOMP_FILTER_FLAG_SPEC_ALLOW"};
    SeccompConfig config{"SCMP_ACT_ALLOW", {}, {}, all, {}};
    CHECK(compile_seccomp(config).flags ==
          (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW));
    config.listener_path = "/run/agent";
    CHECK_FALSE(compile_seccomp(config).has_listener());  // there is nothing to listen to
    config.rules = {{{"chown"}, "SCMP_ACT_NOTIFY", {}, {}}};
    config.flags.push_back("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
    const SeccompProgram program = compile_seccomp(config);
    CHECK(program.has_listener());
    CHECK((program.flags & SECCOMP_FILTER_FLAG_TSYNC) == 0);
    CHECK((program.flags & (1U << 5U)) != 0);
}

TEST_CASE("a call that libseccomp does not know gets the default action", "[seccomp]") {
    SeccompConfig config{"SCMP_ACT_ERRNO", 38, {}, {}, {}};
    config.rules.push_back({{"read", "call_of_the_future"}, "SCMP_ACT_ALLOW", {}, {}});
    CHECK(native_verdict(compile_seccomp(config), "read") == SECCOMP_RET_ALLOW);
}

TEST_CASE("words that the specification does not have are refused", "[seccomp][invalid]") {
    const auto refused = [](SeccompConfig config) { CHECK_THROWS_AS(compile_seccomp(config), Error); };
    refused({"SCMP_ACT_MAYBE", {}, {}, {}, {}});
    refused({"SCMP_ACT_NOTIFY", {}, {}, {}, {}});  // nobody to notify
    refused({"SCMP_ACT_ALLOW", {}, {}, {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}, {}});
    refused({"SCMP_ACT_ALLOW", 1, {}, {}, {}});
    refused({"SCMP_ACT_ERRNO", 4096, {}, {}, {}});
    refused({"SCMP_ACT_ALLOW", {}, {"SCMP_ARCH_Z80"}, {}, {}});
    refused({"SCMP_ACT_ALLOW", {}, {}, {"SECCOMP_FILTER_FLAG_NEW_LISTENER"}, {}});
    refused({"SCMP_ACT_ALLOW", {}, {}, {}, {{{"read"}, "SCMP_ACT_KILL", {}, {{6, 0, 0, "SCMP_CMP_EQ"}}}}});
    refused({"SCMP_ACT_ALLOW", {}, {}, {}, {{{"read"}, "SCMP_ACT_KILL", {}, {{0, 0, 0, "=="}}}}});
}

}  // namespace smith::runtime
