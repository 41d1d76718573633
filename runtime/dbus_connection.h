// SPDX-License-Identifier: Apache-2.0
//
// A connection to a bus of D-Bus: method calls, one at a time, and the signals that come between. Whoever is at the
// other end may say what he likes, or nothing: everything is waited for until a time, and no longer.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "runtime/dbus_message.h"
#include "runtime/kernel.h"

namespace smith::runtime {

// A line of the authentication: "OK" and 32 digits. The specification has 16 KiB.
inline constexpr std::size_t kMaxDbusAuthBytes = 4 * limits::kKiB;
// Signals that are kept while a reply is waited for. One is expected; of more than these the oldest go.
inline constexpr std::size_t kMaxDbusSignals = 64;

/// One way to reach a bus.
struct DbusAddress {
    std::string path;       ///< of a socket in the file system
    bool abstract = false;  ///< `path` is a name in the abstract namespace
    bool operator==(const DbusAddress&) const = default;
};

/// "unix:path=/run/dbus/system_bus_socket;unix:abstract=..." ("Server Addresses"); those of kinds other than these two
/// are left out. Throws Error (usage): malformed, or none is left.
[[nodiscard]] std::vector<DbusAddress> parse_dbus_addresses(std::string_view text);

class DbusConnection {
public:
    using Patience = std::chrono::milliseconds;

    /// Of what is connected already; says who we are (as the kernel knows it, which holds in user namespaces too) and
    /// "Hello". `patience` is how long each answer may take. Throws Error (system, format).
    DbusConnection(Kernel& kernel, UniqueFd socket, Patience patience);
    /// To the first of `addresses` that answers. Throws Error (system).
    [[nodiscard]] static DbusConnection connect(Kernel& kernel, const std::vector<DbusAddress>& addresses,
                                                Patience patience);

    /// The reply, which may be an error. Throws Error: system, when none comes; format.
    [[nodiscard]] DbusMessage call(const DbusCall& call);
    /// The next signal, or none when the time is over.
    [[nodiscard]] std::optional<DbusMessage> next_signal(std::chrono::steady_clock::time_point until);
    [[nodiscard]] std::chrono::steady_clock::time_point deadline() const;
    /// What the bus calls this connection: ":1.42".
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] Patience patience() const noexcept { return patience_; }

private:
    using Deadline = std::chrono::steady_clock::time_point;

    void authenticate();
    void send(std::string_view bytes, Deadline until);
    /// Waits for more; false when the time is over.
    [[nodiscard]] bool receive_some(Deadline until);
    [[nodiscard]] std::string read_line(Deadline until);
    [[nodiscard]] std::optional<DbusMessage> next_message(Deadline until);
    [[nodiscard]] bool wait(short events, Deadline until);

    Kernel* kernel_;
    UniqueFd socket_;
    Patience patience_;
    std::string name_;
    std::string received_;  ///< and not used yet
    std::deque<DbusMessage> signals_;
    std::uint32_t last_serial_ = 0;
};

/// "Unit x.scope already exists. (org.freedesktop.systemd1.UnitExists)", fit for a message. Of an error.
[[nodiscard]] std::string dbus_error_text(const DbusMessage& error);

}  // namespace smith::runtime
