// SPDX-License-Identifier: Apache-2.0
//
// The seccomp filter: `linux.seccomp` as a value, its translation into BPF by libseccomp (in the parent: it allocates),
// and the filter that a microcontainer gets when nobody said otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smith::runtime {

/// runtime-spec config-linux.md, "Seccomp". Names are kept as the document writes them.
struct SeccompArgument {
    unsigned index = 0;
    std::uint64_t value = 0;
    std::uint64_t value_two = 0;  ///< for SCMP_CMP_MASKED_EQ: what (argument & value) is compared with
    std::string op;               ///< "SCMP_CMP_EQ"
};

struct SeccompRule {
    std::vector<std::string> names;
    std::string action;  ///< "SCMP_ACT_ALLOW"
    std::optional<std::uint32_t> errno_ret;
    std::vector<SeccompArgument> args;
};

struct SeccompConfig {
    std::string default_action;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<std::string> architectures;  ///< "SCMP_ARCH_X86_64"; this machine's own is always meant
    std::vector<std::string> flags;          ///< "SECCOMP_FILTER_FLAG_LOG"
    std::vector<SeccompRule> rules;
    std::string listener_path;      ///< a socket of whoever answers SCMP_ACT_NOTIFY; absolute, or ""
    std::string listener_metadata;  ///< told to them as it is
};

struct SeccompProgram {
    std::uint32_t flags = 0;
    std::vector<std::byte> instructions;  ///< struct sock_filter[], 8 bytes each

    /// Does loading it return a descriptor, from which somebody must answer for system calls?
    [[nodiscard]] bool has_listener() const noexcept;
};

/// A system call that this machine's libseccomp does not know is left out of the filter, and so gets the default
/// action. Throws Error (spec), for a word that the specification does not have, for SCMP_ACT_NOTIFY without anybody to
/// notify, or when the filter is larger than the kernel takes.
[[nodiscard]] SeccompProgram compile_seccomp(const SeccompConfig& config);

/// The words that compile_seccomp knows, as `features` tells them.
[[nodiscard]] std::vector<std::string> seccomp_architecture_names();
[[nodiscard]] std::vector<std::string> seccomp_flag_names();

/// What a service needs, in the spirit of the filters of docker and podman: the kernel's everyday interface is allowed;
/// namespaces, mounts, modules, keys, BPF, clocks and raw I/O are answered with EPERM; a call that is in neither list
/// with ENOSYS, so that libc falls back to an older one. A program for the 32-bit twin of this machine is killed unless
/// `thirty_two_bit`: a microcontainer is of one architecture, and the second door to the kernel has often been the
/// weaker one.
[[nodiscard]] SeccompConfig default_seccomp(bool thirty_two_bit = false);

}  // namespace smith::runtime
