// SPDX-License-Identifier: Apache-2.0
#include "runtime/namespaces.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace smith::runtime {

namespace {

struct FlagName {
    std::uint64_t flag;
    const char* name;
};

constexpr std::array kFlagNames = {
    FlagName{CLONE_NEWUSER, "CLONE_NEWUSER"},      FlagName{CLONE_NEWNS, "CLONE_NEWNS"},
    FlagName{CLONE_NEWPID, "CLONE_NEWPID"},        FlagName{CLONE_NEWNET, "CLONE_NEWNET"},
    FlagName{CLONE_NEWIPC, "CLONE_NEWIPC"},        FlagName{CLONE_NEWUTS, "CLONE_NEWUTS"},
    FlagName{kCgroupNamespace, "CLONE_NEWCGROUP"}, FlagName{kTimeNamespace, "CLONE_NEWTIME"},
};

}  // namespace

std::string namespace_names(std::uint64_t flags) {
    std::string out;
    for (const FlagName& known : kFlagNames) {
        if ((flags & known.flag) == 0) continue;
        out += (out.empty() ? "" : "|") + std::string(known.name);
        flags &= ~known.flag;
    }
    if (flags != 0) {
        constexpr char digits[] = "0123456789abcdef";
        std::string hex;
        for (; flags != 0; flags >>= 4U) hex.insert(hex.begin(), digits[flags & 15U]);
        out += (out.empty() ? "0x" : "|0x") + hex;
    }
    return out;
}

Result make_late_namespaces(Stage& stage) noexcept {
    const std::uint64_t late = stage.plan.namespaces & kLateNamespaces;
    return late == 0 ? 0 : stage.kernel.leave_namespaces(late);
}

Result set_host_names(Stage& stage) noexcept {
    const std::string& host = stage.plan.hostname;
    if (!host.empty()) {
        const Result set = stage.kernel.set_host_name(host.data(), host.size());
        if (set < 0) return set;
    }
    const std::string& domain = stage.plan.domainname;
    return domain.empty() ? 0 : stage.kernel.set_domain_name(domain.data(), domain.size());
}

Result bring_up_loopback(Stage& stage) noexcept {
    if ((stage.plan.namespaces & CLONE_NEWNET) == 0) return 0;
    const Result fd = stage.kernel.open_socket(AF_INET, SOCK_DGRAM);
    if (fd < 0) return fd;
    ifreq request{};
    std::memcpy(request.ifr_name, "lo", sizeof "lo");
    request.ifr_flags = IFF_UP;
    const Result up = stage.kernel.io_control(static_cast<int>(fd), SIOCSIFFLAGS, &request);
    stage.kernel.close(static_cast<int>(fd));
    return up;
}

}  // namespace smith::runtime
