// SPDX-License-Identifier: Apache-2.0
#include "runtime/id_maps.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/proc_file.h"

namespace smith::runtime {

namespace {

bool is_root() { return geteuid() == 0; }

/// Is [base, base + count) mapped in the user namespace that we ourselves are in?
bool is_ours(const char* map_file, std::uint32_t base, std::uint32_t count) {
    std::ifstream file(map_file);
    std::uint64_t inside = 0;
    std::uint64_t outside = 0;
    std::uint64_t size = 0;
    while (file >> inside >> outside >> size) {
        if (base >= inside && std::uint64_t{base} + count <= inside + size) return true;
    }
    return false;
}

/// From passwd(5), not by libc's name services: a static program would have to load them. Whom they alone know has its
/// number in subid(5).
std::string own_name() {
    std::ifstream file("/etc/passwd");
    const std::string number = std::to_string(geteuid());
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream fields(line);
        std::string name;
        std::string password;
        std::string uid;
        std::getline(fields, name, ':');
        std::getline(fields, password, ':');
        if (std::getline(fields, uid, ':') && uid == number) return name;
    }
    return "";
}

/// The first range of subid(5) that belongs to this user, by name or by number.
IdMap subordinate_range(const char* file_name) {
    std::ifstream file(file_name);
    const std::string name = own_name();
    const std::string number = std::to_string(geteuid());
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream fields(line);
        std::string owner;
        std::uint32_t start = 0;
        std::uint32_t count = 0;
        char colon = 0;
        if (!std::getline(fields, owner, ':') || (owner != name && owner != number)) continue;
        if (fields >> start >> colon >> count && count > 0) return {0, start, count};
    }
    throw Error(ErrorKind::system, "there are no subordinate ids for " + quote(name.empty() ? number : name) + " in " +
                                       quote(file_name) + "; usermod --add-subuids and --add-subgids add some");
}

/// `range` inside from 0 on, with a gap at `id`, which is `host`.
std::vector<IdMap> around(std::uint32_t id, std::uint32_t host, IdMap range) {
    const std::uint32_t count = std::min(range.count, kRangeSize - 1);
    const std::uint32_t below = std::min(id, count);
    std::vector<IdMap> out;
    if (below > 0) out.push_back({0, range.host, below});
    out.push_back({id, host, 1});
    if (count > below) out.push_back({id + 1, range.host + below, count - below});
    return out;
}

bool has_root_range() {
    return is_root() && is_ours("/proc/self/uid_map", kRootRangeBase, kRangeSize) &&
           is_ours("/proc/self/gid_map", kRootRangeBase, kRangeSize);
}

std::uint32_t mapped(const std::vector<IdMap>& maps, std::uint32_t id, const char* what) {
    const std::optional<std::uint32_t> host = map_id(maps, id);
    if (!host) throw Error(ErrorKind::spec, std::string("the ") + what + " " + std::to_string(id) + " is not mapped");
    return *host;
}

/// What an ordinary user may write without help: one id, the own one.
bool is_only_own(const std::vector<IdMap>& maps, std::uint32_t own_id) {
    return maps.size() == 1 && maps.front().count == 1 && maps.front().host == own_id;
}

std::string map_text(const std::vector<IdMap>& maps) {
    std::string out;
    for (const IdMap& map : maps) {
        out += std::to_string(map.container) + " " + std::to_string(map.host) + " " + std::to_string(map.count) + "\n";
    }
    return out;
}

std::vector<std::string> helper_arguments(const char* helper, pid_t child, const std::vector<IdMap>& maps) {
    std::vector<std::string> out = {helper, std::to_string(child)};
    for (const IdMap& map : maps) {
        for (const std::uint32_t number : {map.container, map.host, map.count}) out.push_back(std::to_string(number));
    }
    return out;
}

/// newuidmap and newgidmap are setuid programs that know /etc/subuid and /etc/subgid.
void run_helper(const char* helper, pid_t child, const std::vector<IdMap>& maps) {
    std::vector<std::string> arguments = helper_arguments(helper, child, maps);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    pid_t pid = -1;
    const int error = posix_spawnp(&pid, helper, nullptr, nullptr, pointers.data(), environ);
    if (error != 0) throw system_error(error, std::string("running ") + helper + " (package uidmap or shadow-utils)");
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) throw system_error(errno, std::string("waiting for ") + helper);
    }
    if (status != 0) {
        throw Error(ErrorKind::system, std::string(helper) + " would not map the ids " + map_text(maps) +
                                           "; is the range in /etc/subuid and /etc/subgid?");
    }
}

/// unshare(1) with --map-root-user makes such a user namespace.
bool denied_here() {
    try {
        constexpr std::uint64_t enough = 64;
        return read_file("/proc/self/setgroups", enough).starts_with("deny");
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

std::uint32_t IdMappings::host_uid(std::uint32_t id) const { return mapped(uids, id, "uid"); }
std::uint32_t IdMappings::host_gid(std::uint32_t id) const { return mapped(gids, id, "gid"); }

IdMappings choose_mappings(std::uint32_t uid, std::uint32_t gid, MappingChoice choice) {
    const bool range_is_ours = has_root_range();
    if (choice == MappingChoice::automatic) choice = range_is_ours ? MappingChoice::range : MappingChoice::single;
    if (choice == MappingChoice::single) return {{{uid, geteuid(), 1}}, {{gid, getegid(), 1}}};
    if (range_is_ours) {
        const IdMap range{0, kRootRangeBase, kRangeSize};
        return {{range}, {range}};
    }
    return range_around(0, 0, geteuid(), getegid());
}

IdMappings range_around(std::uint32_t uid, std::uint32_t gid, std::uint32_t host_uid, std::uint32_t host_gid) {
    const bool as_root = has_root_range();
    const IdMap root_range{0, kRootRangeBase, kRangeSize};
    return {around(uid, host_uid, as_root ? root_range : subordinate_range("/etc/subuid")),
            around(gid, host_gid, as_root ? root_range : subordinate_range("/etc/subgid"))};
}

bool may_set_groups(const RuntimeConfig& config) {
    // Where this process's own user namespace denies it, those below do as well: user_namespaces(7).
    return !denied_here() && (is_root() || !is_only_own(config.gid_mappings, getegid()));
}

void write_id_maps(pid_t child, const RuntimeConfig& config) {
    if (is_root() || is_only_own(config.uid_mappings, geteuid())) {
        write_proc_file(child, "uid_map", map_text(config.uid_mappings));
    } else {
        run_helper("newuidmap", child, config.uid_mappings);
    }
    if (is_root()) {
        write_proc_file(child, "gid_map", map_text(config.gid_mappings));
    } else if (is_only_own(config.gid_mappings, getegid())) {
        // The kernel's condition for it: who gives up a group must not gain what the group was denied.
        write_proc_file(child, "setgroups", "deny");
        write_proc_file(child, "gid_map", map_text(config.gid_mappings));
    } else {
        run_helper("newgidmap", child, config.gid_mappings);
    }
}

}  // namespace smith::runtime
