// SPDX-License-Identifier: Apache-2.0
//
// What a container asks of systemd, over its bus: to make a scope with a process in it, to change its properties, and
// to stop it. org.freedesktop.systemd1(5).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/dbus_connection.h"
#include "runtime/systemd_unit.h"

namespace smith::runtime {

// How long systemd may take to answer, and to do what it was asked. runc has the same.
inline constexpr std::chrono::milliseconds kSystemdPatience{30000};

/// The unit of a container, as a state file keeps it.
struct SystemdUnit {
    std::string name;   ///< "": it has none
    bool user = false;  ///< of the user's systemd, not of the system's
    [[nodiscard]] bool empty() const noexcept { return name.empty(); }
    bool operator==(const SystemdUnit&) const = default;
};

/// Where systemd is to be reached: the system's bus ($DBUS_SYSTEM_BUS_ADDRESS), or the user's
/// ($DBUS_SESSION_BUS_ADDRESS, $XDG_RUNTIME_DIR/bus). Throws Error (usage): there is no such variable for a user.
[[nodiscard]] std::string systemd_bus_address(bool user);

class Systemd {
public:
    /// By a connection to the bus that it is on. Throws Error (system, format): nobody answers for it.
    explicit Systemd(DbusConnection bus);
    [[nodiscard]] static Systemd connect(Kernel& kernel, bool user);

    /// 252
    [[nodiscard]] unsigned version() const noexcept { return version_; }
    /// Where `scope` is below the mount point of a hierarchy: "/system.slice/x.scope".
    [[nodiscard]] std::string directory_of(const SystemdScope& scope) const;

    /// Returns when the scope is there, and its processes are in it. A failed unit of the same name is cleared away.
    /// Throws Error (system), systemd's own words in it; nothing is left then.
    void start_scope(const std::string& unit, const std::vector<DbusProperty>& properties);
    /// Until the next boot. Throws Error (system).
    void set_properties(const std::string& unit, const std::vector<DbusProperty>& properties);
    /// Moves `process` in, which a user may not be allowed to do by himself. Throws Error (system).
    void attach(const std::string& unit, pid_t process);
    /// Returns when it is stopped, and forgotten though it failed. One that is not there is as good as stopped. Throws
    /// Error (system).
    void stop_unit(const std::string& unit);

private:
    [[nodiscard]] DbusMessage ask(const char* member, DbusBody body);
    [[nodiscard]] std::string property(const char* name);
    void check_process_ids();
    /// Of the job that `reply` names; waits until it is done.
    void wait_for_job(const std::string& unit, const DbusMessage& reply, const std::string& doing);
    void forget_failure(const std::string& unit);

    DbusConnection bus_;
    unsigned version_ = 0;
    std::string control_group_;
};

}  // namespace smith::runtime
