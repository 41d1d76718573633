// SPDX-License-Identifier: Apache-2.0
#include "runtime/state.h"

#include <time.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/error.h"
#include "base/json.h"
#include "runtime/config_parts.h"
#include "runtime/json_view.h"

namespace smith::runtime {

using nlohmann::json;

namespace {

// pid_t's own.
constexpr std::int64_t kHighestPid = 0x7fffffff;

json for_hooks(const ContainerState& state, Status status) {
    json out = {{"ociVersion", kOciVersion},
                {"id", state.id},
                {"status", status_name(status)},
                {"bundle", state.bundle},
                {"annotations", state.annotations}};
    // "REQUIRED when status is created or running on Linux"; the number of what has ended belongs to somebody else
    // soon.
    out["pid"] = status == Status::stopped ? 0 : state.process.pid;
    return out;
}

json for_people(const ContainerState& state, Status status) {
    json out = for_hooks(state, status);
    out["rootfs"] = state.rootfs;
    out["created"] = state.created_at;
    out["owner"] = "";
    return out;
}

std::map<std::string, std::string> texts_of(const JsonView& object) {
    std::map<std::string, std::string> out;
    for (const std::string& key : object.keys()) out[key] = object[key].string();
    return out;
}

std::string absolute(const JsonView& path) {
    std::string text = path.string();
    if (!text.starts_with('/')) path.fail("is not an absolute path");
    return text;
}

ContainerState parse_document(const JsonView& document) {
    ContainerState state;
    if (document["version"].unsigned_integer(UINT32_MAX) != kStateVersion) {
        document["version"].fail("is not " + std::to_string(kStateVersion) + ": another railcar wrote this");
    }
    state.id = document["id"].string();
    state.created = document["created"].boolean_or(false);
    state.process.pid = static_cast<pid_t>(document["pid"].integer(0, kHighestPid));
    state.process.start_time = document["startTime"].unsigned_integer(UINT64_MAX);
    state.bundle = absolute(document["bundle"]);
    state.rootfs = absolute(document["rootfs"]);
    state.created_at = document["createdAt"].string();
    state.owner = static_cast<std::uint32_t>(document["owner"].unsigned_integer(kHighestId));
    state.has_process = document["hasProcess"].boolean_or(true);
    state.has_start_hooks = document["hasStartHooks"].boolean_or(true);
    state.has_stop_hooks = document["hasStopHooks"].boolean_or(true);
    state.systemd_unit.name = document["systemdUnit"].string_or("");
    state.systemd_unit.user = document["systemdUser"].boolean_or(false);
    if (const JsonView resctrl = document["resctrl"]; resctrl["group"].present()) {
        state.resctrl.group = absolute(resctrl["group"]);
        state.resctrl.monitor = resctrl["monitor"].string_or("");
        state.resctrl.ours = resctrl["ours"].boolean_or(false);
    }
    state.annotations = texts_of(document["annotations"]);
    state.cgroups = texts_of(document["cgroups"]);
    state.root_mount.path = document["rootMount"]["path"].string_or("");
    if (!state.root_mount.path.empty()) {
        state.root_mount.path = absolute(document["rootMount"]["path"]);
        state.root_mount.before = document["rootMount"]["before"].unsigned_integer(UINT64_MAX);
    }
    for (const std::string& key : document["cgroups"].keys()) absolute(document["cgroups"][key]);
    return state;
}

}  // namespace

std::string_view status_name(Status status) noexcept {
    switch (status) {
        case Status::creating: return "creating";
        case Status::created: return "created";
        case Status::running: return "running";
        case Status::paused: return "paused";
        case Status::stopped: return "stopped";
    }
    return "unknown";
}

std::string write_state(const ContainerState& state) {
    json resctrl = json::object();
    if (!state.resctrl.empty()) {
        resctrl = {{"group", state.resctrl.group}, {"monitor", state.resctrl.monitor}, {"ours", state.resctrl.ours}};
    }
    return dump_json_pretty({{"version", kStateVersion},
                             {"id", state.id},
                             {"created", state.created},
                             {"pid", state.process.pid},
                             {"startTime", state.process.start_time},
                             {"bundle", state.bundle},
                             {"rootfs", state.rootfs},
                             {"createdAt", state.created_at},
                             {"owner", state.owner},
                             {"hasProcess", state.has_process},
                             {"hasStartHooks", state.has_start_hooks},
                             {"hasStopHooks", state.has_stop_hooks},
                             {"systemdUnit", state.systemd_unit.name},
                             {"systemdUser", state.systemd_unit.user},
                             {"resctrl", resctrl},
                             {"annotations", state.annotations},
                             {"rootMount", {{"path", state.root_mount.path}, {"before", state.root_mount.before}}},
                             {"cgroups", state.cgroups}});
}

ContainerState parse_state(std::string_view text) {
    try {
        const json document = parse_json(text);
        if (!document.is_object()) throw Error(ErrorKind::format, "the document is not an object");
        return parse_document(JsonView(&document));
    } catch (const Error& e) {
        throw Error(ErrorKind::format, e.message());
    }
}

std::string state_for_hooks(const ContainerState& state, Status status) { return dump_json(for_hooks(state, status)); }

std::string state_for_people(const ContainerState& state, Status status) {
    return dump_json_pretty(for_people(state, status));
}

std::string container_process_state(pid_t pid, std::string_view metadata, std::string_view state) {
    json out = {{"ociVersion", kOciVersion}, {"fds", {"seccompFd"}}, {"pid", pid}, {"state", parse_json(state)}};
    if (!metadata.empty()) out["metadata"] = metadata;
    return dump_json(out);
}

std::string list_as_json(const std::vector<ListedContainer>& containers) {
    json out = json::array();
    for (const ListedContainer& entry : containers) out.push_back(for_people(entry.state, entry.status));
    return dump_json(out) + "\n";
}

std::string current_time() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    char text[64];
    const std::size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + length, sizeof text - length, ".%09ldZ", now.tv_nsec);
    return text;
}

}  // namespace smith::runtime
