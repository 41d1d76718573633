// SPDX-License-Identifier: Apache-2.0
#include "runtime/systemd.h"

#include <unistd.h>

#include <cstdlib>

#include "base/error.h"

namespace smith::runtime {

namespace {

constexpr const char* kName = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnitExists = "org.freedesktop.systemd1.UnitExists";
constexpr const char* kNoSuchUnit = "org.freedesktop.systemd1.NoSuchUnit";

bool failed(const DbusMessage& reply) { return reply.type == DbusMessageType::error; }

void check(const DbusMessage& reply, const std::string& doing) {
    if (failed(reply)) throw Error(ErrorKind::system, doing + ": refused: " + dbus_error_text(reply));
}

/// The digits of "252.38-1~deb12u1" and of "v245".
unsigned parse_version(const std::string& text) {
    unsigned out = 0;
    bool seen = false;
    for (const char c : text) {
        const bool digit = c >= '0' && c <= '9';
        if (seen && !digit) break;
        if (!digit) continue;
        seen = true;
        out = out * 10 + static_cast<unsigned>(c - '0');
        if (out > 1'000'000) break;
    }
    return out;
}

/// The parts of a JobRemoved: a job's number and path, its unit, and how it ended.
struct EndedJob {
    std::string path;
    std::string unit;
    std::string result;
};

bool is_job_removed(const DbusMessage& signal, const std::string& sender) {
    // From systemd itself: anybody on the bus may send us a signal with these words.
    return signal.sender == sender && signal.path == kPath && signal.interface == kManager &&
           signal.member == "JobRemoved" && signal.signature == "uoss";
}

EndedJob read_job(const DbusMessage& signal) {
    DbusReader reader(signal);
    EndedJob out;
    static_cast<void>(reader.number());
    out.path = reader.text();
    out.unit = reader.text();
    out.result = reader.text();
    return out;
}

}  // namespace

std::string systemd_bus_address(bool user) {
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value == nullptr ? "" : value);
    };
    const std::string named = variable(user ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS");
    if (!named.empty()) return named;
    if (!user) return "unix:path=/run/dbus/system_bus_socket";
    const std::string session = variable("XDG_RUNTIME_DIR");
    if (session.empty()) {
        throw Error(
            ErrorKind::usage,
            "neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set: where is the bus of the user's systemd?");
    }
    // ';' and ',' would end the address, '%' begins an escape.
    std::string escaped_path;
    for (const char c : session + "/bus") {
        constexpr char hex[] = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        if (c == ';' || c == ',' || c == '%')
            escaped_path.append({'%', hex[byte / 16], hex[byte % 16]});
        else
            escaped_path += c;
    }
    return "unix:path=" + escaped_path;
}

Systemd::Systemd(DbusConnection bus) : bus_(std::move(bus)) {
    version_ = parse_version(property("Version"));
    control_group_ = property("ControlGroup");
    if (control_group_ == "/") control_group_.clear();
    if (!control_group_.empty() && !control_group_.starts_with('/')) {
        throw Error(ErrorKind::format, "systemd's own cgroup is " + quote(control_group_));
    }
}

Systemd Systemd::connect(Kernel& kernel, bool user) {
    const auto doing = [user] {
        return std::string("asking ") + (user ? "the user's" : "the system's") +
               " systemd for a cgroup (--systemd-cgroup)";
    };
    return while_doing(doing, [&] {
        return Systemd(
            DbusConnection::connect(kernel, parse_dbus_addresses(systemd_bus_address(user)), kSystemdPatience));
    });
}

std::string Systemd::directory_of(const SystemdScope& scope) const {
    return control_group_ + slice_directory(scope.slice) + "/" + scope.unit;
}

DbusMessage Systemd::ask(const char* member, DbusBody body) {
    return bus_.call({kName, kPath, kManager, member, std::move(body)});
}

std::string Systemd::property(const char* name) {
    DbusBody body;
    body.add(std::string(kManager)).add(std::string(name));
    const DbusMessage reply = bus_.call({kName, kPath, "org.freedesktop.DBus.Properties", "Get", std::move(body)});
    check(reply, "asking for its " + quote(name));
    DbusReader reader(reply);
    if (reply.signature != "v" || reader.signature() != "s") {
        throw Error(ErrorKind::format, "systemd's " + quote(name) + " is not a text");
    }
    return reader.text();
}

void Systemd::wait_for_job(const std::string& unit, const DbusMessage& reply, const std::string& doing) {
    if (reply.signature != "o") throw Error(ErrorKind::format, doing + ": systemd answers without a job");
    const std::string job = DbusReader(reply).text();
    const auto until = bus_.deadline();
    while (const auto signal = bus_.next_signal(until)) {
        if (!is_job_removed(*signal, reply.sender)) continue;
        const EndedJob ended = read_job(*signal);
        if (ended.path != job || ended.unit != unit) continue;
        if (ended.result == "done") return;
        throw Error(ErrorKind::system, doing + ": the job of systemd's ended as " + quote(ended.result));
    }
    throw Error(ErrorKind::system,
                doing + ": systemd is not done after " + std::to_string(bus_.patience().count()) + " ms");
}

void Systemd::forget_failure(const std::string& unit) {
    DbusBody body;
    body.add(unit);
    // A unit that did not fail is not known any more by then.
    static_cast<void>(ask("ResetFailedUnit", std::move(body)));
}

namespace {

/// Signals of the jobs of this unit, and no others.
DbusCall match_jobs_of(const std::string& unit) {
    DbusBody body;
    body.add(std::string("type='signal',sender='") + kName + "',path='" + kPath + "',interface='" + kManager +
             "',member='JobRemoved',arg2='" + unit + "'");
    return {"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", std::move(body)};
}

}  // namespace

/// What is process 7 to us may be another one to systemd, which would move and kill that.
void Systemd::check_process_ids() {
    DbusBody body;
    body.add(bus_.name());
    const DbusMessage reply = bus_.call(
        {"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionUnixProcessID", body});
    if (failed(reply) || reply.signature != "u") return;  // a bus that cannot know
    const std::uint32_t seen = DbusReader(reply).number();
    if (seen == static_cast<std::uint32_t>(getpid())) return;
    throw Error(ErrorKind::system, "systemd is in another PID namespace: this process, " + std::to_string(getpid()) +
                                       " here, is " + std::to_string(seen) + " there");
}

void Systemd::start_scope(const std::string& unit, const std::vector<DbusProperty>& properties) {
    const std::string doing = "starting " + quote(unit);
    while_doing([&] { return doing; }, [&] { check_process_ids(); });
    check(bus_.call(match_jobs_of(unit)), doing);
    const auto start = [&] {
        DbusBody body;
        body.add(unit).add(std::string("replace")).add(properties).no_units();
        return ask("StartTransientUnit", std::move(body));
    };
    DbusMessage reply = start();
    if (failed(reply) && reply.error_name == kUnitExists) {
        // Of a container that was here before, and failed; one that runs is not moved by this.
        forget_failure(unit);
        reply = start();
    }
    check(reply, doing);
    try {
        wait_for_job(unit, reply, doing);
    } catch (...) {
        try {
            stop_unit(unit);
        } catch (const Error&) {
            // The first error says more.
        }
        throw;
    }
}

void Systemd::set_properties(const std::string& unit, const std::vector<DbusProperty>& properties) {
    if (properties.empty()) return;
    DbusBody body;
    body.add(unit).add(true).add(properties);
    check(ask("SetUnitProperties", std::move(body)), "changing " + quote(unit));
}

void Systemd::attach(const std::string& unit, pid_t process) {
    DbusBody body;
    body.add(unit).add(std::string()).add(std::vector<std::uint32_t>{static_cast<std::uint32_t>(process)});
    check(ask("AttachProcessesToUnit", std::move(body)),
          "moving process " + std::to_string(process) + " into " + quote(unit));
}

void Systemd::stop_unit(const std::string& unit) {
    const std::string doing = "stopping " + quote(unit);
    check(bus_.call(match_jobs_of(unit)), doing);
    DbusBody body;
    body.add(unit).add(std::string("replace"));
    const DbusMessage reply = ask("StopUnit", std::move(body));
    if (failed(reply) && reply.error_name == kNoSuchUnit) return;
    check(reply, doing);
    wait_for_job(unit, reply, doing);
    forget_failure(unit);
}

}  // namespace smith::runtime
