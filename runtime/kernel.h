// SPDX-License-Identifier: Apache-2.0
//
// The system calls that make a container, behind one interface. Each function is one call, returns what the kernel
// returned, or the negative errno: they are used between clone and execve, where errno, exceptions and allocation are
// out of reach. All of them pass through `invoke`, which a test overrides to make the n-th call fail.
//
// Needs Linux 5.12 (mount_setattr); libc need not know the calls.
#pragma once

#include <linux/mount.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <linux/openat2.h>
#include <string>

struct pollfd;

namespace smith::runtime {

/// A system call's own result or -errno.
using Result = long;

class Kernel {
public:
    virtual ~Kernel() = default;

    /// The number of the call that failed last; -1 when none has.
    [[nodiscard]] long failed_call() const noexcept { return failed_call_.load(std::memory_order_relaxed); }

    // Files. Every descriptor is close-on-exec.
    Result open_beneath(int root, const char* path, std::uint64_t flags, std::uint64_t resolve,
                        mode_t mode = 0) noexcept;
    Result open_path(const char* path, int flags) noexcept;
    Result close(int fd) noexcept;
    Result read(int fd, void* buffer, std::size_t size) noexcept;
    Result write(int fd, const void* buffer, std::size_t size) noexcept;
    Result status(int fd, struct statx& out) noexcept;
    Result seek_start(int fd) noexcept;
    Result change_owner(int fd, uid_t uid, gid_t gid) noexcept;
    Result make_directory(int parent, const char* name, mode_t mode) noexcept;
    Result make_symlink(const char* target, int parent, const char* name) noexcept;
    /// The length of the target, which has no NUL.
    Result read_link(int parent, const char* name, char* buffer, std::size_t size) noexcept;
    /// getdents64(2)
    Result read_directory(int fd, void* buffer, std::size_t size) noexcept;
    /// Does not follow; `device` is as makedev(3) makes it.
    Result make_node(int parent, const char* name, mode_t mode, std::uint64_t device) noexcept;
    /// Of an open file, not an O_PATH one.
    Result change_mode(int fd, mode_t mode) noexcept;
    /// unlinkat(AT_REMOVEDIR)
    Result remove_directory(int parent, const char* name) noexcept;
    /// Of the file itself, never of what a symlink leads to; `name` may be "": then it is `parent`'s.
    Result change_owner(int parent, const char* name, uid_t uid, gid_t gid) noexcept;
    /// statfs(2)'s f_type of the file system that `fd` is on.
    Result file_system_type(int fd) noexcept;
    Result change_directory(int fd) noexcept;
    Result change_directory(const char* path) noexcept;
    Result current_directory(char* buffer, std::size_t size) noexcept;
    Result set_umask(mode_t mask) noexcept;
    Result duplicate_at_least(int fd, int minimum) noexcept;
    /// dup2: the copy is *not* close-on-exec. `from` and `to` differ.
    Result duplicate_to(int from, int to) noexcept;
    Result close_on_exec_from(unsigned first) noexcept;
    Result close_from(unsigned first) noexcept;
    Result create_memory_file(const char* name) noexcept;
    Result seal(int fd, int seals) noexcept;
    Result poll(pollfd* fds, unsigned count, int timeout_ms) noexcept;

    // Mounts, by descriptor.
    /// open_tree(OPEN_TREE_CLONE) of the directory or file that `fd` is; a detached copy.
    Result clone_tree(int fd, bool recursive) noexcept;
    Result clone_tree(const char* path, bool recursive) noexcept;
    Result set_mount_attributes(int fd, bool recursive, std::uint64_t set, std::uint64_t clear,
                                std::uint64_t propagation) noexcept;
    Result set_mount_attributes(const char* path, bool recursive, std::uint64_t set, std::uint64_t clear,
                                std::uint64_t propagation) noexcept;
    /// MOUNT_ATTR_IDMAP
    Result map_mount_ids(int tree, bool recursive, int user_namespace) noexcept;
    Result move_mount(int tree, int target) noexcept;
    Result move_mount(int tree, const char* target) noexcept;
    Result open_file_system(const char* type) noexcept;
    Result configure_file_system(int fd, unsigned command, const char* key, const char* value) noexcept;
    Result mount_file_system(int fd, std::uint64_t attributes) noexcept;
    /// pivot_root(".", "."): the current directory becomes the root, and the old root lies on top of it.
    Result pivot_root_here() noexcept;
    /// chroot(".")
    Result change_root_here() noexcept;
    /// umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW)
    Result detach_mount(const char* path) noexcept;

    // Processes.
    /// The child returns 0. `pidfd` is set in the parent. `cgroup` is a directory of version 2 that the child is born
    /// in; -1: the caller's.
    Result clone(std::uint64_t flags, int exit_signal, int& pidfd, int cgroup = -1) noexcept;
    Result open_pidfd(pid_t pid) noexcept;
    Result send_signal(int pidfd, int signal) noexcept;
    Result wait_for_exit(int pidfd, siginfo_t& info, int options) noexcept;
    Result join_namespaces(int pidfd, std::uint64_t flags) noexcept;
    Result leave_namespaces(std::uint64_t flags) noexcept;
    Result control(int option, unsigned long a = 0, unsigned long b = 0, unsigned long c = 0) noexcept;
    Result new_session() noexcept;
    Result new_session_keyring() noexcept;
    Result default_signal_action(int signal) noexcept;
    Result unblock_all_signals() noexcept;
    Result set_limit(pid_t pid, int resource, const rlimit* limit, rlimit* old = nullptr) noexcept;
    Result execute(const char* path, const char* const* arguments, const char* const* environment) noexcept;
    Result execute(int fd, const char* const* arguments, const char* const* environment) noexcept;
    [[noreturn]] void exit_now(int status) noexcept;

    // Scheduling.
    Result set_personality(unsigned long persona) noexcept;
    /// sched_setattr(2) of the calling thread; `attributes` is the kernel's struct sched_attr.
    Result set_scheduler(void* attributes) noexcept;
    /// ioprio_set(2) of the calling process.
    Result set_io_priority(int priority) noexcept;
    Result set_memory_policy(int mode, const unsigned long* nodes, unsigned long highest) noexcept;
    Result set_affinity(const void* cpus, std::size_t bytes) noexcept;

    // Identity.
    Result set_users(uid_t uid) noexcept;
    Result set_groups(gid_t gid) noexcept;
    Result set_additional_groups(const gid_t* groups, std::size_t count) noexcept;
    Result set_capabilities(std::uint64_t effective, std::uint64_t permitted, std::uint64_t inheritable) noexcept;
    Result load_bpf(unsigned command, void* attributes, unsigned size) noexcept;
    Result load_seccomp(unsigned flags, const void* instructions, std::size_t count) noexcept;

    // Host name and network.
    Result set_host_name(const char* name, std::size_t length) noexcept;
    Result set_domain_name(const char* name, std::size_t length) noexcept;
    Result open_socket(int family, int type) noexcept;
    Result io_control(int fd, unsigned long request, void* argument) noexcept;
    Result connect(int fd, const sockaddr* address, unsigned length) noexcept;
    Result socket_option(int fd, int level, int name, void* value, unsigned* length) noexcept;
    Result send_message(int fd, const msghdr* message, int flags = 0) noexcept;

protected:
    virtual Result invoke(long number, long a, long b, long c, long d, long e) noexcept;

private:
    template <typename... Args>
    Result call(long number, Args... args) noexcept;

    std::atomic<long> failed_call_ = -1;
};

/// The real one, for whoever has nothing else in mind. All threads may use it.
[[nodiscard]] Kernel& linux_kernel() noexcept;

/// "mount_setattr" for its number; "system call 442" for one that nobody knows.
[[nodiscard]] std::string call_name(long number);

}  // namespace smith::runtime
