// SPDX-License-Identifier: Apache-2.0
#include "runtime/netlink.h"

#include <sys/socket.h>

#include <cerrno>

namespace smith::runtime {

void NetlinkRequest::append(const void* data, std::size_t size) noexcept {
    const std::size_t at = header().nlmsg_len;
    const std::size_t padded = NLMSG_ALIGN(size);
    if (padded > bytes_.size() - at) {
        fits_ = false;
        return;
    }
    if (size > 0) std::memcpy(bytes_.data() + at, data, size);
    header().nlmsg_len = static_cast<std::uint32_t>(at + padded);
}

Result NetlinkRequest::send(Kernel& kernel, int socket) noexcept {
    if (!fits_) return -EMSGSIZE;
    const Result written = kernel.write(socket, bytes_.data(), header().nlmsg_len);
    return written < 0 ? written : 0;
}

Result NetlinkRequest::ask(Kernel& kernel, int socket) noexcept {
    header().nlmsg_flags |= NLM_F_ACK;
    const Result sent = send(kernel, socket);
    if (sent < 0) return sent;
    // The answer repeats the request.
    alignas(nlmsghdr) char answer[2048];
    const Result got = kernel.read(socket, answer, sizeof answer);
    if (got < 0) return got;
    const auto* reply = reinterpret_cast<const nlmsghdr*>(answer);
    if (static_cast<std::size_t>(got) < NLMSG_LENGTH(sizeof(int)) || reply->nlmsg_type != NLMSG_ERROR) return -EPROTO;
    int error = 0;
    std::memcpy(&error, answer + NLMSG_HDRLEN, sizeof error);
    return error;
}

Result open_netlink(Kernel& kernel) noexcept { return kernel.open_socket(AF_NETLINK, SOCK_RAW); }

}  // namespace smith::runtime
