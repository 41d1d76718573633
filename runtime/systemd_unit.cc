// SPDX-License-Identifier: Apache-2.0
#include "runtime/systemd_unit.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "base/split.h"

namespace smith::runtime {

namespace {

constexpr std::string_view kSlice = ".slice";
constexpr std::string_view kScope = ".scope";

/// "NAME consists of ASCII letters, digits, ":", "-", "_", "." and "\"": systemd.unit(5).
bool may_be_in_unit_name(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view(":-_.\\").find(c) != std::string_view::npos;
}

std::string escaped_for_unit(const std::string& name) {
    std::string out;
    for (const char c : name) {
        if (may_be_in_unit_name(c) && c != '\\') {
            out += c;
            continue;
        }
        char hex[5];
        std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
        out += hex;
    }
    return out;
}

[[noreturn]] void bad_path(std::string_view path, const std::string& why) {
    throw Error(ErrorKind::spec, "'linux.cgroupsPath' " + quote(path) + ' ' + why);
}

std::string default_slice(bool user) { return user ? "user.slice" : "system.slice"; }

}  // namespace

SystemdScope parse_systemd_scope(std::string_view cgroups_path, const std::string& name, bool user) {
    if (cgroups_path.empty()) return {default_slice(user), escaped_for_unit(name) + std::string(kScope)};
    const std::vector<std::string_view> parts = split(cgroups_path, ':');
    if (parts.size() != 3) bad_path(cgroups_path, "is not 'slice:prefix:name', as systemd's cgroup driver wants it");
    SystemdScope out;
    out.slice = parts[0].empty() ? default_slice(user) : std::string(parts[0]);
    static_cast<void>(slice_directory(out.slice));
    if (parts[2].empty()) bad_path(cgroups_path, "names no unit");
    if (parts[2].ends_with(kSlice)) bad_path(cgroups_path, "asks for a slice: a container is a scope");
    out.unit.append(parts[1]).append("-").append(parts[2]).append(kScope);
    if (!std::all_of(out.unit.begin(), out.unit.end(), may_be_in_unit_name)) {
        bad_path(cgroups_path, "has what the name of a unit cannot have");
    }
    if (out.unit.size() > kMaxUnitNameBytes) bad_path(cgroups_path, "is too long for the name of a unit");
    return out;
}

std::string slice_directory(std::string_view slice) {
    const auto refuse = [&] {
        throw Error(ErrorKind::spec, quote(slice) + " is not the name of a slice of systemd's");
    };
    if (!slice.ends_with(kSlice) || slice.size() == kSlice.size() || slice.size() > kMaxUnitNameBytes ||
        !std::all_of(slice.begin(), slice.end(), may_be_in_unit_name)) {
        refuse();
    }
    const std::string_view name = slice.substr(0, slice.size() - kSlice.size());
    if (name == "-") return "";
    std::string out;
    for (std::size_t at = 0; at <= name.size();) {
        const std::size_t dash = std::min(name.find('-', at), name.size());
        if (dash == at) refuse();
        out.append("/").append(name.substr(0, dash)).append(kSlice);
        at = dash + 1;
    }
    return out;
}

std::vector<DbusProperty> scope_properties(const SystemdScope& scope, pid_t process) {
    // Delegate: what is below the scope is not systemd's. DefaultDependencies: the container does not have to end
    // before the file systems of the host do, and is not kept from starting while others stop.
    std::vector<DbusProperty> out = {{"Description", "railcar container " + scope.unit},
                                     {"Slice", scope.slice},
                                     {"Delegate", true},
                                     {"PIDs", std::vector<std::uint32_t>{static_cast<std::uint32_t>(process)}},
                                     {"DefaultDependencies", false}};
    // A controller that is added later does not know what was used before.
    for (const char* name : {"MemoryAccounting", "CPUAccounting", "IOAccounting", "TasksAccounting"}) {
        out.push_back({name, true});
    }
    return out;
}

}  // namespace smith::runtime
