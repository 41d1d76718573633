// SPDX-License-Identifier: Apache-2.0
//
// As much of netlink(7) as it takes to look at network devices and to change them. Requests are built on the stack, and
// asked without libc: they are used between clone and execve too.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "runtime/kernel.h"

namespace smith::runtime {

/// One request to the kernel: a header, the body of its kind, attributes.
class NetlinkRequest {
public:
    template <typename Body>
    NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Body& body) noexcept {
        header().nlmsg_type = type;
        header().nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        header().nlmsg_len = NLMSG_HDRLEN;
        append(&body, sizeof body);
    }
    void add(std::uint16_t attribute, const void* value, std::size_t size) noexcept {
        rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(size)), attribute};
        append(&head, sizeof head);
        append(value, size);
    }
    void add(std::uint16_t attribute, std::uint32_t value) noexcept { add(attribute, &value, sizeof value); }
    /// Attributes as the kernel wrote them.
    void add(std::span<const std::byte> attributes) noexcept { append(attributes.data(), attributes.size()); }

    /// 0 when the kernel has done it, or -errno.
    Result ask(Kernel& kernel, int socket) noexcept;
    /// Sends it only.
    Result send(Kernel& kernel, int socket) noexcept;

private:
    nlmsghdr& header() noexcept { return *reinterpret_cast<nlmsghdr*>(bytes_.data()); }
    void append(const void* data, std::size_t size) noexcept;

    alignas(nlmsghdr) std::array<char, 1024> bytes_{};
    bool fits_ = true;
};

/// A socket for such requests, in the network namespace of the caller; or -errno.
Result open_netlink(Kernel& kernel) noexcept;

}  // namespace smith::runtime
