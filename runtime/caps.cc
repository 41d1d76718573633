// SPDX-License-Identifier: Apache-2.0
#include "runtime/caps.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.h"

namespace smith::runtime {

namespace {

// In the order of their numbers: linux/capability.h.
constexpr std::array<std::string_view, 41> kNames = {"CAP_CHOWN",
                                                     "CAP_DAC_OVERRIDE",
                                                     "CAP_DAC_READ_SEARCH",
                                                     "CAP_FOWNER",
                                                     "CAP_FSETID",
                                                     "CAP_KILL",
                                                     "CAP_SETGID",
                                                     "CAP_SETUID",
                                                     "CAP_SETPCAP",
                                                     "CAP_LINUX_IMMUTABLE",
                                                     "CAP_NET_BIND_SERVICE",
                                                     "CAP_NET_BROADCAST",
                                                     "CAP_NET_ADMIN",
                                                     "CAP_NET_RAW",
                                                     "CAP_IPC_LOCK",
                                                     "CAP_IPC_OWNER",
                                                     "CAP_SYS_MODULE",
                                                     "CAP_SYS_RAWIO",
                                                     "CAP_SYS_CHROOT",
                                                     "CAP_SYS_PTRACE",
                                                     "CAP_SYS_PACCT",
                                                     "CAP_SYS_ADMIN",
                                                     "CAP_SYS_BOOT",
                                                     "CAP_SYS_NICE",
                                                     "CAP_SYS_RESOURCE",
                                                     "CAP_SYS_TIME",
                                                     "CAP_SYS_TTY_CONFIG",
                                                     "CAP_MKNOD",
                                                     "CAP_LEASE",
                                                     "CAP_AUDIT_WRITE",
                                                     "CAP_AUDIT_CONTROL",
                                                     "CAP_SETFCAP",
                                                     "CAP_MAC_OVERRIDE",
                                                     "CAP_MAC_ADMIN",
                                                     "CAP_SYSLOG",
                                                     "CAP_WAKE_ALARM",
                                                     "CAP_BLOCK_SUSPEND",
                                                     "CAP_AUDIT_READ",
                                                     "CAP_PERFMON",
                                                     "CAP_BPF",
                                                     "CAP_CHECKPOINT_RESTORE"};
static_assert(kNames[CAP_SETFCAP] == "CAP_SETFCAP" && kNames.size() == CAP_CHECKPOINT_RESTORE + 1);

// The kernel's sets have 64 bits; it says EINVAL for the first number that it does not know.
constexpr unsigned kHighest = 63;

constexpr bool has(std::uint64_t set, unsigned number) noexcept { return ((set >> number) & 1U) != 0; }

}  // namespace

std::optional<int> capability_number(std::string_view name) noexcept {
    const auto it = std::find(kNames.begin(), kNames.end(), name);
    if (it == kNames.end()) return std::nullopt;
    return static_cast<int>(it - kNames.begin());
}

unsigned capability_count() noexcept { return kNames.size(); }

std::string_view capability_name(unsigned number) noexcept { return kNames[number]; }

std::uint64_t own_permitted_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    if (syscall(SYS_capget, &header, data) != 0) throw system_error(errno, "looking at our capabilities");
    return data[0].permitted | (std::uint64_t{data[1].permitted} << 32U);
}

Result cut_bounding_set(Kernel& kernel, std::uint64_t keep) noexcept {
    for (unsigned number = 0; number <= kHighest; ++number) {
        if (has(keep, number)) continue;
        const Result result = kernel.control(PR_CAPBSET_DROP, number);
        if (result == -EINVAL) break;
        if (result < 0) return result;
    }
    return 0;
}

Result limit_capabilities(Kernel& kernel, const Capabilities& capabilities) noexcept {
    const Result cleared = kernel.control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
    if (cleared < 0) return cleared;
    const Result set =
        kernel.set_capabilities(capabilities.effective, capabilities.permitted, capabilities.inheritable);
    if (set < 0) return set;
    for (unsigned number = 0; number <= kHighest; ++number) {
        if (!has(capabilities.ambient, number)) continue;
        const Result raised = kernel.control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number);
        if (raised < 0) return raised;
    }
    return 0;
}

}  // namespace smith::runtime
