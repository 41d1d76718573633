// SPDX-License-Identifier: Apache-2.0
#include "runtime/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/failure.h"

namespace smith::runtime {

namespace {

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)  // Linux 5.19
#endif

struct Word {
    std::string_view name;
    std::uint32_t value;
};

constexpr std::array kActions = {
    Word{"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
    Word{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
    Word{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
    Word{"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    Word{"SCMP_ACT_LOG", SCMP_ACT_LOG},
    Word{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
    Word{"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
};

constexpr std::array kArchitectures = {
    Word{"SCMP_ARCH_X86", SCMP_ARCH_X86},
    Word{"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
    Word{"SCMP_ARCH_X32", SCMP_ARCH_X32},
    Word{"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
    Word{"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
    Word{"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
    Word{"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},
    Word{"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
    Word{"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},
    Word{"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
    Word{"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
    Word{"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
    Word{"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},
    Word{"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
    Word{"SCMP_ARCH_S390", SCMP_ARCH_S390},
    Word{"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
    Word{"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},
    Word{"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64},
    Word{"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64},
};

constexpr std::array kComparisons = {
    Word{"SCMP_CMP_NE", SCMP_CMP_NE},
    Word{"SCMP_CMP_LT", SCMP_CMP_LT},
    Word{"SCMP_CMP_LE", SCMP_CMP_LE},
    Word{"SCMP_CMP_EQ", SCMP_CMP_EQ},
    Word{"SCMP_CMP_GE", SCMP_CMP_GE},
    Word{"SCMP_CMP_GT", SCMP_CMP_GT},
    Word{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

constexpr std::array kFlags = {
    Word{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
    Word{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    Word{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    Word{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

std::uint32_t lookup(const auto& words, std::string_view name, std::string_view what) {
    for (const Word& word : words) {
        if (word.name == name) return word.value;
    }
    throw Error(ErrorKind::spec, std::string(what) + " " + quote(name) + " is not known or not supported yet");
}

std::uint32_t action_of(std::string_view name, std::optional<std::uint32_t> errno_ret) {
    // runtime-spec: EPERM where errnoRet is left out.
    const std::uint32_t number = errno_ret.value_or(EPERM);
    const bool takes_number = name == "SCMP_ACT_ERRNO" || name == "SCMP_ACT_TRACE";
    if (!takes_number && errno_ret) {
        throw Error(ErrorKind::spec, "the seccomp action " + quote(name) + " does not take an errnoRet");
    }
    // The kernel keeps 16 bits, and cuts an errno down to 4095.
    if (number > 4095) throw Error(ErrorKind::spec, "errnoRet " + std::to_string(number) + " is above 4095");
    if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(number);
    if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(number);
    return lookup(kActions, name, "the seccomp action");
}

std::vector<std::string> names_of(const auto& words) {
    std::vector<std::string> out;
    for (const Word& word : words) out.emplace_back(word.name);
    return out;
}

void check(int result, const std::string& doing) {
    if (result < 0) throw system_error(-result, doing);
}

class Filter {
public:
    explicit Filter(std::uint32_t default_action) : context_(seccomp_init(default_action)) {
        if (context_ == nullptr) throw Error(ErrorKind::system, "libseccomp cannot make a filter");
    }
    Filter(const Filter&) = delete;
    Filter& operator=(const Filter&) = delete;
    ~Filter() {
        if (context_ != nullptr) seccomp_release(context_);
    }
    Filter(Filter&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
    [[nodiscard]] scmp_filter_ctx raw() const noexcept { return context_; }

    /// Takes the rules of `other`, which is for other architectures.
    void merge(Filter other) {
        check(seccomp_merge(context_, other.context_), "merging seccomp filters");
        other.context_ = nullptr;  // libseccomp has freed it
    }

private:
    scmp_filter_ctx context_;
};

scmp_arg_cmp comparison_of(const SeccompArgument& argument) {
    if (argument.index > 5) {
        throw Error(ErrorKind::spec, "system calls have arguments 0 to 5, not " + std::to_string(argument.index));
    }
    scmp_arg_cmp comparison{};
    comparison.arg = argument.index;
    comparison.op = static_cast<scmp_compare>(lookup(kComparisons, argument.op, "the seccomp operator"));
    comparison.datum_a = argument.value;
    comparison.datum_b = argument.value_two;
    return comparison;
}

/// libseccomp takes one comparison per argument and means "and". Where an argument is named twice, "or" is meant, as
/// runc has always read it: each comparison becomes a rule of its own.
std::vector<std::vector<scmp_arg_cmp>> alternatives_of(const std::vector<SeccompArgument>& arguments) {
    std::vector<scmp_arg_cmp> all;
    std::set<unsigned> indices;
    for (const SeccompArgument& argument : arguments) {
        all.push_back(comparison_of(argument));
        indices.insert(argument.index);
    }
    if (indices.size() == all.size()) return {all};
    std::vector<std::vector<scmp_arg_cmp>> alternatives;
    for (const scmp_arg_cmp& comparison : all) alternatives.push_back({comparison});
    return alternatives;
}

void add_rule(const Filter& filter, const SeccompRule& rule, std::uint32_t default_action) {
    const std::uint32_t action = action_of(rule.action, rule.errno_ret);
    const auto alternatives = alternatives_of(rule.args);
    if (action == default_action) return;  // libseccomp refuses a rule that changes nothing
    for (const std::string& name : rule.names) {
        const int number = seccomp_syscall_resolve_name(name.c_str());
        if (number == __NR_SCMP_ERROR) continue;
        for (const std::vector<scmp_arg_cmp>& comparisons : alternatives) {
            check(seccomp_rule_add_array(filter.raw(), action, number, static_cast<unsigned>(comparisons.size()),
                                         comparisons.data()),
                  "adding a seccomp rule for " + quote(name));
        }
    }
}

std::vector<std::byte> export_program(const Filter& filter) {
    // libseccomp before 2.6 writes to descriptors only.
    const UniqueFd file(memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) throw system_error(errno, "making room for the seccomp filter");
    check(seccomp_export_bpf(filter.raw(), file.get()), "translating the seccomp filter");
    const off_t size = lseek(file.get(), 0, SEEK_END);
    if (size < 0 || static_cast<std::uint64_t>(size) / 8 > kMaxFilterInstructions) {
        throw Error(ErrorKind::spec, "the seccomp filter has " + std::to_string(size / 8) +
                                         " instructions; the kernel takes " + std::to_string(kMaxFilterInstructions));
    }
    std::vector<std::byte> instructions(static_cast<std::size_t>(size));
    if (pread(file.get(), instructions.data(), instructions.size(), 0) != size) {
        throw system_error(errno, "reading the seccomp filter back");
    }
    return instructions;
}

/// The filter for one architecture.
Filter make_filter(const SeccompConfig& config, std::uint32_t architecture, std::uint32_t default_action) {
    Filter filter(default_action);
    if (architecture != seccomp_arch_native()) {
        check(seccomp_arch_add(filter.raw(), architecture), "adding a seccomp architecture");
        check(seccomp_arch_remove(filter.raw(), SCMP_ARCH_NATIVE), "removing the native seccomp architecture");
    }
    // The child sets no_new_privs itself, or keeps CAP_SYS_ADMIN until the filter is in place.
    check(seccomp_attr_set(filter.raw(), SCMP_FLTATR_CTL_NNP, 0), "preparing the seccomp filter");
    // A binary tree instead of a list: some ten comparisons a call, not some hundred.
    check(seccomp_attr_set(filter.raw(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "preparing the seccomp filter");
    for (const SeccompRule& rule : config.rules) add_rule(filter, rule, default_action);
    return filter;
}

/// Those of the other byte order cannot run on this machine, and libseccomp does not mix them. What a filter does not
/// have is killed.
bool can_run_here(std::uint32_t architecture) {
    return ((architecture ^ seccomp_arch_native()) & __AUDIT_ARCH_LE) == 0;
}

/// This machine's own first, then the others that are asked for.
std::vector<std::uint32_t> architectures_of(const SeccompConfig& config) {
    std::vector<std::uint32_t> out = {seccomp_arch_native()};
    for (const std::string& name : config.architectures) {
        const std::uint32_t architecture = lookup(kArchitectures, name, "the seccomp architecture");
        if (!can_run_here(architecture)) continue;
        if (std::find(out.begin(), out.end(), architecture) == out.end()) out.push_back(architecture);
    }
    return out;
}

bool notifies(const SeccompConfig& config) {
    constexpr std::string_view word = "SCMP_ACT_NOTIFY";
    return config.default_action == word || std::any_of(config.rules.begin(), config.rules.end(),
                                                        [&](const SeccompRule& rule) { return rule.action == word; });
}

std::uint32_t flags_of(const SeccompConfig& config) {
    std::uint32_t flags = 0;
    for (const std::string& flag : config.flags) flags |= lookup(kFlags, flag, "the seccomp flag");
    if (!notifies(config)) {
        if ((flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) != 0) {
            throw Error(ErrorKind::spec,
                        "the flag SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is for filters that have SCMP_ACT_NOTIFY");
        }
        return flags;
    }
    if (config.listener_path.empty()) {
        throw Error(ErrorKind::spec, "there is SCMP_ACT_NOTIFY, but no 'listenerPath' that says who is notified");
    }
    // The kernel has no listener for threads that are in step; and who loads the filter has no other threads.
    flags &= ~std::uint32_t{SECCOMP_FILTER_FLAG_TSYNC};
    return flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

}  // namespace

std::vector<std::string> seccomp_architecture_names() { return names_of(kArchitectures); }
std::vector<std::string> seccomp_flag_names() { return names_of(kFlags); }

bool SeccompProgram::has_listener() const noexcept { return (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0; }

SeccompProgram compile_seccomp(const SeccompConfig& config) {
    const std::uint32_t default_action = action_of(config.default_action, config.default_errno_ret);
    const std::vector<std::uint32_t> architectures = architectures_of(config);
    Filter filter = make_filter(config, architectures.front(), default_action);
    // One by one: what libseccomp needs for a rule grows with the rules of all architectures that a filter has.
    for (std::size_t i = 1; i < architectures.size(); ++i) {
        filter.merge(make_filter(config, architectures[i], default_action));
    }
    SeccompProgram program;
    program.flags = flags_of(config);
    program.instructions = export_program(filter);
    return program;
}

}  // namespace smith::runtime
