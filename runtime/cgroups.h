// SPDX-License-Identifier: Apache-2.0
//
// Control groups by way of their file systems: version 1, version 2, and both beside each other ("hybrid"). A container
// has one directory in each hierarchy that is mounted; together they are its Cgroup. Every directory is opened beneath
// its mount point without following symlinks, and every mount point is checked to be what it should: nothing is written
// to a file that only looks like a cgroup's (CVE-2025-52881).
//
// runtime-spec config-linux.md, "Control groups"; the kernel's Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "runtime/cgroup_resources.h"
#include "runtime/kernel.h"

namespace smith::runtime {

/// One hierarchy, as this process sees it.
struct CgroupHierarchy {
    std::string name;         ///< "memory", "cpu,cpuacct", "name=systemd"; "" for version 2
    std::string mount_point;  ///< "/sys/fs/cgroup/memory"
    std::string own;          ///< where this process is, below the mount point: "/", "/user.slice"

    [[nodiscard]] bool unified() const noexcept { return name.empty(); }
    /// Version 1 only: is `controller` one of those in `name`?
    [[nodiscard]] bool has(std::string_view controller) const noexcept;
    bool operator==(const CgroupHierarchy&) const = default;
};

/// From the texts of /proc/self/mountinfo and /proc/self/cgroup. Ordered by name. What is unreadable is left out.
[[nodiscard]] std::vector<CgroupHierarchy> parse_hierarchies(std::string_view mountinfo, std::string_view cgroup);
/// Those of this process; none where no cgroup is mounted.
[[nodiscard]] std::vector<CgroupHierarchy> find_hierarchies();

/// How a new process comes into cgroups without being moved by another: that makes the kernel wait until every
/// processor has passed a quiet point (cgroup_threadgroup_rwsem), for longer than all the rest of a container's start
/// takes.
struct CgroupEntrance {
    struct Tasks {
        UniqueFd file;
        std::string directory;
    };
    UniqueFd unified;           ///< version 2: the directory to be born in, for Kernel::clone
    std::vector<Tasks> legacy;  ///< version 1: where the process, still of one thread, writes "0"
};

/// A container's directories, one a hierarchy. The value is their paths only, so that it can be kept in a state file
/// and read back by another process; whether they are there is another matter.
class Cgroup {
public:
    /// Hierarchy name -> absolute path of the directory: what `state.json` keeps.
    using Paths = std::map<std::string, std::string>;

    /// No directory at all: nothing to join, freeze or remove.
    Cgroup() = default;
    Cgroup(Kernel& kernel, Paths paths);

    /// Where a container's cgroup is to be, nothing is made yet. `path` is the configuration's: absolute means from the
    /// mount point, relative from where this process is. Throws Error (spec) for one with ".." or in systemd's form
    /// ("slice:prefix:name"): systemd_unit.h reads that.
    [[nodiscard]] static Cgroup named(Kernel& kernel, const std::vector<CgroupHierarchy>& hierarchies,
                                      const std::string& path);

    [[nodiscard]] const Paths& paths() const noexcept { return paths_; }
    [[nodiscard]] bool empty() const noexcept { return paths_.empty(); }
    /// Is it version 2 alone that does the work?
    [[nodiscard]] bool unified() const noexcept { return paths_.size() == 1 && paths_.begin()->first.empty(); }

    /// Makes the directories that are missing (of a Cgroup that named() returned), enables all controllers of version
    /// 2, and fills in what a new cpuset needs. Throws Error: system; also when a process is in there already or it is
    /// frozen: two containers in one cgroup would be stopped with each other. Nothing new is left then.
    void create() const;
    /// The first part of create(): throws when something is there.
    void check_unused() const;
    /// Makes what is missing beside the directories that somebody else, systemd, has made. Throws Error (system).
    void complete() const;
    /// As create(); but where this process is not allowed to, or cgroups are read-only, it becomes empty() and false is
    /// returned. For a path that nobody asked for.
    bool create_if_allowed();

    /// For a process that is about to be made. Throws Error (system).
    [[nodiscard]] CgroupEntrance entrance() const;
    /// Puts a process in that is there already. Throws Error (system).
    void add(pid_t pid) const;
    /// Writes all limits, in the order that the kernel needs. A value that this host cannot take but the specification
    /// lets pass (kernel memory) is told to `warnings`. Throws Error: spec, for what version 2 has no equivalent of,
    /// and for a controller that is not there; system, when the kernel refuses a value.
    void apply(const Resources& resources, std::vector<std::string>& warnings) const;
    /// Throws Error (system) where a lower limit of memory than is used is not to be tried (`checkBeforeUpdate`).
    void check_memory(const Resources& resources) const;
    /// Device rules, in their order. `rules` are those of the configuration; the default devices are allowed after
    /// them. On version 2 they are a program, and replace those of an earlier call. Throws Error (system).
    void restrict_devices(const std::vector<DeviceRule>& rules) const;
    /// Gives the directories to `uid`, as far as cgroup v2's delegation goes ("Cgroup ownership"). Nothing on
    /// version 1.
    void delegate(uid_t uid) const;

    /// Returns when all processes are stopped, or run again. Throws Error (system).
    void freeze() const;
    void thaw() const;
    [[nodiscard]] bool frozen() const;

    /// All processes, of cgroups below it too, in ascending order; as this process's PID namespace numbers them.
    [[nodiscard]] std::vector<pid_t> processes() const;
    /// Signals every process; SIGKILL reaches those that are being forked meanwhile, and frozen ones, which are thawed.
    void kill(int signal) const;

    /// False when there are processes still after a second.
    [[nodiscard]] bool wait_until_empty() const;
    /// Removes the directories if nothing is in any of them; else false, at once, and those it takes to kill() are
    /// left.
    [[nodiscard]] bool remove_empty() const noexcept;
    /// Removes the directories, and those below them. Processes that are ending are waited for, for a second; false
    /// when some still live. What is not there is not missed.
    bool remove() const noexcept;

    /// What `events --stats` shows as "data", a JSON object in runc's shape.
    [[nodiscard]] std::string stats() const;

    /// The directory of a hierarchy that has `controller`; none when it is not there. "" is version 2's.
    [[nodiscard]] std::optional<std::string> directory_of(std::string_view controller) const;
    /// The contents of a file there, at most 64 KiB; none when it is not there.
    [[nodiscard]] std::optional<std::string> read(std::string_view controller, const std::string& file) const;

private:
    [[nodiscard]] UniqueFd open(const std::string& directory) const;
    [[nodiscard]] Result write(const std::string& directory, const std::string& file, std::string_view value) const;
    [[nodiscard]] Result write_one(const CgroupWrite& write, bool unified) const;
    void write_all_of(const std::vector<CgroupWrite>& writes, bool unified, std::vector<std::string>& warnings) const;
    void make(const std::string& name, const std::string& directory) const;
    void set_frozen(bool frozen) const;

    Kernel* kernel_ = nullptr;
    Paths paths_;
    Paths mount_points_;  ///< of the same hierarchies; known to named() only
};

}  // namespace smith::runtime
