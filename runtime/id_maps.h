// SPDX-License-Identifier: Apache-2.0
//
// User and group ids of a new user namespace: choosing which ids of the host stand behind those inside, and telling the
// kernel (user_namespaces(7)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/config.h"
#include "runtime/kernel.h"

namespace smith::runtime {

struct IdMappings {
    std::vector<IdMap> uids;
    std::vector<IdMap> gids;

    /// The id of the host that owns what `id` owns inside: what a root file system's files must be chowned to.
    /// Throws Error (spec) when it is not mapped.
    [[nodiscard]] std::uint32_t host_uid(std::uint32_t id) const;
    [[nodiscard]] std::uint32_t host_gid(std::uint32_t id) const;
};

enum class MappingChoice {
    automatic,  ///< root: `range`; anybody else: `single`
    single,     ///< the process's user, and nobody else, is the caller
    range,      ///< 65536 ids: of an unused range (root), or of /etc/subuid and /etc/subgid (needs newuidmap)
};

/// Ids 0 to 65535 of a container that root starts. The highest block of what systemd sets apart for containers
/// (systemd.io/UIDS-GIDS, "Container UID ranges"): no distribution, useradd or directory service gives these to people.
inline constexpr std::uint32_t kRootRangeBase = 1878982656;
inline constexpr std::uint32_t kRangeSize = 65536;

/// A mapping for a process that runs as `uid`:`gid` inside. Where root's range is not to be had, because this root is
/// itself one of a user namespace's, `automatic` means `single`.
/// With `range` as an ordinary user, id 0 inside is the caller and 1 and above are the caller's subordinate ids.
/// Throws Error (system): no subordinate ids.
[[nodiscard]] IdMappings choose_mappings(std::uint32_t uid, std::uint32_t gid, MappingChoice choice);

/// Ids as MappingChoice::range has them, but that `uid` and `gid` inside are `host_uid` and `host_gid`: of the caller,
/// or, for root, of anybody. For runtimes that have to become id 0 of the container before they become its user, as
/// runc does. Throws Error (system): no subordinate ids, or this root may give none.
[[nodiscard]] IdMappings range_around(std::uint32_t uid, std::uint32_t gid, std::uint32_t host_uid,
                                      std::uint32_t host_gid);

/// False when the kernel will deny setgroups(2) inside: an ordinary user who maps only the own group, or a caller in a
/// user namespace that denies it.
[[nodiscard]] bool may_set_groups(const RuntimeConfig& config);

/// Gives `child`, which is the first of a new user namespace and waits, the ids of `config`: directly where the kernel
/// lets this process, by newuidmap(1) and newgidmap(1) where it does not. Throws Error (system).
void write_id_maps(pid_t child, const RuntimeConfig& config);

}  // namespace smith::runtime
