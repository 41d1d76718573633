// SPDX-License-Identifier: Apache-2.0
#include "runtime/net_devices.h"

#include <linux/if_addr.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "runtime/netlink.h"
#include "runtime/scoped_fd.h"

namespace smith::runtime {

namespace {

// What a person may have asked of an address; the kernel finds out the rest anew.
constexpr std::uint32_t kKeptAddressFlags =
    IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;

[[noreturn]] void refused(const PlannedNetDevice& device, Result error) {
    throw system_error(static_cast<int>(-error), "moving the network device " + quote(device.host_name) +
                                                     " into the container as " + quote(device.name));
}

void append(std::vector<std::byte>& out, const rtattr& attribute) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&attribute);
    out.insert(out.end(), bytes, bytes + attribute.rta_len);
    out.resize(RTA_ALIGN(out.size()));
}

/// Where the address is to be kept: permanent, and not of one link or host only.
std::optional<PlannedAddress> parse_address(const ifaddrmsg& message, std::size_t size) {
    PlannedAddress out{message.ifa_family, message.ifa_prefixlen, {}};
    std::uint32_t flags = message.ifa_flags;
    const auto* attribute = reinterpret_cast<const rtattr*>(&message + 1);
    std::size_t left = size - sizeof message;
    while (left >= sizeof *attribute && attribute->rta_len >= sizeof *attribute && attribute->rta_len <= left) {
        const std::uint16_t kind = attribute->rta_type;
        if (kind == IFA_LOCAL || kind == IFA_ADDRESS || kind == IFA_BROADCAST) append(out.attributes, *attribute);
        if (kind == IFA_FLAGS && attribute->rta_len >= RTA_LENGTH(sizeof flags)) {
            std::memcpy(&flags, reinterpret_cast<const char*>(attribute) + RTA_LENGTH(0), sizeof flags);
        }
        const std::size_t step = RTA_ALIGN(attribute->rta_len);
        if (step >= left) break;
        left -= step;
        attribute = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(attribute) + step);
    }
    if ((flags & IFA_F_PERMANENT) == 0 || message.ifa_scope != RT_SCOPE_UNIVERSE) return std::nullopt;
    out.flags = flags & kKeptAddressFlags;
    return out;
}

/// The messages of one read; false after the last of the answer.
bool take_addresses(const char* data, std::size_t size, std::vector<PlannedNetDevice>& devices) {
    while (size >= sizeof(nlmsghdr)) {
        const auto* header = reinterpret_cast<const nlmsghdr*>(data);
        if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) return false;
        const std::size_t step = NLMSG_ALIGN(header->nlmsg_len);
        if (header->nlmsg_len < NLMSG_LENGTH(sizeof(ifaddrmsg)) || header->nlmsg_len > size) return false;
        const auto* message = reinterpret_cast<const ifaddrmsg*>(data + NLMSG_HDRLEN);
        for (PlannedNetDevice& device : devices) {
            if (header->nlmsg_type != RTM_NEWADDR || message->ifa_index != device.host_index) continue;
            if (auto address = parse_address(*message, header->nlmsg_len - NLMSG_HDRLEN)) {
                device.addresses.push_back(std::move(*address));
            }
        }
        if (step >= size) return true;
        data += step;
        size -= step;
    }
    return true;
}

UniqueFd open_socket(Kernel& kernel) {
    const Result socket = open_netlink(kernel);
    if (socket < 0) throw system_error(static_cast<int>(-socket), "asking for network devices");
    return UniqueFd(static_cast<int>(socket));
}

void find_addresses(std::vector<PlannedNetDevice>& devices) {
    Kernel& kernel = linux_kernel();
    const UniqueFd socket = open_socket(kernel);
    NetlinkRequest request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
    Result result = request.send(kernel, socket.get());
    std::vector<char> buffer(1 << 16);
    while (result >= 0) {
        result = kernel.read(socket.get(), buffer.data(), buffer.size());
        if (result >= 0 && !take_addresses(buffer.data(), static_cast<std::size_t>(result), devices)) return;
    }
    throw system_error(static_cast<int>(-result), "asking for the addresses of network devices");
}

bool is_template(const std::string& name) { return name.find('%') != std::string::npos; }

/// The number of the device of that name in this process's namespace, or -errno.
Result index_of(Kernel& kernel, const char* name) noexcept {
    const Scoped socket(kernel, kernel.open_socket(AF_INET, SOCK_DGRAM));
    if (socket.failed()) return socket.error();
    ifreq request{};
    std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    const Result asked = kernel.io_control(socket.get(), SIOCGIFINDEX, &request);
    return asked < 0 ? asked : request.ifr_ifindex;
}

Result rename(Kernel& kernel, int socket, int index, const char* name) noexcept {
    ifinfomsg device{};
    device.ifi_index = index;
    NetlinkRequest request(RTM_NEWLINK, 0, device);
    request.add(IFLA_IFNAME, name, std::strlen(name) + 1);
    return request.ask(kernel, socket);
}

Result add_address(Kernel& kernel, int socket, int index, const PlannedAddress& address) noexcept {
    ifaddrmsg message{};
    message.ifa_family = address.family;
    message.ifa_prefixlen = address.prefix_length;
    message.ifa_scope = RT_SCOPE_UNIVERSE;
    message.ifa_index = static_cast<std::uint32_t>(index);
    NetlinkRequest request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, message);
    request.add(std::span(address.attributes));
    request.add(IFA_FLAGS, address.flags);
    return request.ask(kernel, socket);
}

Result bring_up(Kernel& kernel, int socket, int index) noexcept {
    ifinfomsg device{};
    device.ifi_index = index;
    device.ifi_flags = device.ifi_change = IFF_UP;
    return NetlinkRequest(RTM_NEWLINK, 0, device).ask(kernel, socket);
}

Result set_up(Kernel& kernel, int socket, const PlannedNetDevice& device) noexcept {
    const Result index = index_of(kernel, device.moved_name.c_str());
    if (index < 0) return index;
    const int number = static_cast<int>(index);
    Result result = 0;
    if (device.moved_name != device.name) result = rename(kernel, socket, number, device.name.c_str());
    for (const PlannedAddress& address : device.addresses) {
        if (result >= 0) result = add_address(kernel, socket, number, address);
    }
    return result < 0 ? result : bring_up(kernel, socket, number);
}

}  // namespace

void plan_net_devices(const RuntimeConfig& config, Plan& plan) {
    for (const NetDeviceConfig& wanted : config.net_devices) {
        const Result index = index_of(linux_kernel(), wanted.host_name.c_str());
        if (index < 0) throw system_error(static_cast<int>(-index), "the network device " + quote(wanted.host_name));
        PlannedNetDevice device;
        device.host_name = wanted.host_name;
        device.host_index = static_cast<std::uint32_t>(index);
        device.name = wanted.name;
        // The kernel makes a name of "eth%d" when a device is renamed; for us to find it meanwhile it has one of ours.
        device.moved_name =
            is_template(device.name) ? "railcar" + std::to_string(plan.net_devices.size()) : device.name;
        plan.net_devices.push_back(std::move(device));
    }
    if (!plan.net_devices.empty()) find_addresses(plan.net_devices);
}

void move_net_devices(Kernel& kernel, const Plan& plan, pid_t pid) {
    if (plan.net_devices.empty()) return;
    const UniqueFd socket = open_socket(kernel);
    for (const PlannedNetDevice& device : plan.net_devices) {
        ifinfomsg message{};
        message.ifi_index = static_cast<int>(device.host_index);
        NetlinkRequest request(RTM_NEWLINK, 0, message);
        request.add(IFLA_NET_NS_PID, static_cast<std::uint32_t>(pid));
        request.add(IFLA_IFNAME, device.moved_name.c_str(), device.moved_name.size() + 1);
        const Result moved = request.ask(kernel, socket.get());
        if (moved < 0) refused(device, moved);
    }
}

Result set_up_net_devices(Stage& stage) noexcept {
    if (stage.plan.net_devices.empty()) return 0;
    const Scoped socket(stage.kernel, open_netlink(stage.kernel));
    if (socket.failed()) return socket.error();
    for (const PlannedNetDevice& device : stage.plan.net_devices) {
        const Result result = set_up(stage.kernel, socket.get(), device);
        if (result < 0) return result;
        ++stage.item;
    }
    return 0;
}

}  // namespace smith::runtime
