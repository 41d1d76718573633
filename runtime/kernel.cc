// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernel.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/memfd.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <type_traits>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3
#endif

namespace smith::runtime {

namespace {

/// Any argument of a system call as the register that carries it.
template <typename T>
long as_register(T value) noexcept {
    if constexpr (std::is_null_pointer_v<T>) {
        return 0;
    } else if constexpr (std::is_pointer_v<T>) {
        return reinterpret_cast<long>(value);
    } else {
        return static_cast<long>(value);
    }
}

/// The kernel's own sigaction, which libc's wrapper hides; only ever used to say SIG_DFL.
struct KernelSigaction {
    void* handler = nullptr;
    unsigned long flags = 0;
    void* restorer = nullptr;
    std::uint64_t mask = 0;
};

constexpr std::size_t kKernelSigsetBytes = 8;

// <sys/mount.h> has it, but cannot be included beside <linux/mount.h> with every libc.
constexpr int kDetach = 2;
constexpr int kNoFollow = 8;

}  // namespace

Result Kernel::invoke(long number, long a, long b, long c, long d, long e) noexcept {
    const long result = syscall(number, a, b, c, d, e);
    return result == -1 ? -errno : result;
}

template <typename... Args>
Result Kernel::call(long number, Args... args) noexcept {
    static_assert(sizeof...(Args) <= 5);
    const long registers[5] = {as_register(args)...};
    const Result result = invoke(number, registers[0], registers[1], registers[2], registers[3], registers[4]);
    if (result < 0) failed_call_.store(number, std::memory_order_relaxed);
    return result;
}

Result Kernel::open_beneath(int root, const char* path, std::uint64_t flags, std::uint64_t resolve,
                            mode_t mode) noexcept {
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.mode = mode;
    how.resolve = resolve;
    // EAGAIN: something was renamed or mounted elsewhere while ".." was being walked (openat2(2)).
    constexpr int attempts = 64;
    Result result = -EAGAIN;
    for (int i = 0; i < attempts && result == -EAGAIN; ++i) {
        result = call(SYS_openat2, root, path, &how, sizeof how);
    }
    return result;
}

Result Kernel::open_path(const char* path, int flags) noexcept {
    return call(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0);
}

Result Kernel::close(int fd) noexcept { return call(SYS_close, fd); }

Result Kernel::read(int fd, void* buffer, std::size_t size) noexcept {
    Result result = 0;
    do {
        result = call(SYS_read, fd, buffer, size);
    } while (result == -EINTR);
    return result;
}

Result Kernel::write(int fd, const void* buffer, std::size_t size) noexcept {
    Result result = 0;
    do {
        result = call(SYS_write, fd, buffer, size);
    } while (result == -EINTR);
    return result;
}

Result Kernel::status(int fd, struct statx& out) noexcept {
    return call(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &out);
}

Result Kernel::seek_start(int fd) noexcept { return call(SYS_lseek, fd, 0, SEEK_SET); }

Result Kernel::change_owner(int fd, uid_t uid, gid_t gid) noexcept { return call(SYS_fchown, fd, uid, gid); }

Result Kernel::make_directory(int parent, const char* name, mode_t mode) noexcept {
    return call(SYS_mkdirat, parent, name, mode);
}

Result Kernel::make_symlink(const char* target, int parent, const char* name) noexcept {
    return call(SYS_symlinkat, target, parent, name);
}

Result Kernel::read_link(int parent, const char* name, char* buffer, std::size_t size) noexcept {
    return call(SYS_readlinkat, parent, name, buffer, size);
}

Result Kernel::read_directory(int fd, void* buffer, std::size_t size) noexcept {
    return call(SYS_getdents64, fd, buffer, size);
}

Result Kernel::make_node(int parent, const char* name, mode_t mode, std::uint64_t device) noexcept {
    return call(SYS_mknodat, parent, name, mode, device);
}

Result Kernel::change_mode(int fd, mode_t mode) noexcept { return call(SYS_fchmod, fd, mode); }

Result Kernel::remove_directory(int parent, const char* name) noexcept {
    return call(SYS_unlinkat, parent, name, AT_REMOVEDIR);
}

Result Kernel::change_owner(int parent, const char* name, uid_t uid, gid_t gid) noexcept {
    return call(SYS_fchownat, parent, name, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
}

Result Kernel::file_system_type(int fd) noexcept {
    struct statfs status {};
    const Result result = call(SYS_fstatfs, fd, &status);
    return result < 0 ? result : static_cast<Result>(status.f_type);
}

Result Kernel::change_directory(int fd) noexcept { return call(SYS_fchdir, fd); }

Result Kernel::change_directory(const char* path) noexcept { return call(SYS_chdir, path); }

Result Kernel::current_directory(char* buffer, std::size_t size) noexcept { return call(SYS_getcwd, buffer, size); }

Result Kernel::set_umask(mode_t mask) noexcept { return call(SYS_umask, mask); }

Result Kernel::duplicate_at_least(int fd, int minimum) noexcept {
    return call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, minimum);
}

Result Kernel::duplicate_to(int from, int to) noexcept { return call(SYS_dup3, from, to, 0); }

Result Kernel::close_on_exec_from(unsigned first) noexcept {
    return call(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC);
}

Result Kernel::close_from(unsigned first) noexcept { return call(SYS_close_range, first, ~0U, 0); }

Result Kernel::create_memory_file(const char* name) noexcept {
    // MFD_EXEC says that the file is meant to be executed where vm.memfd_noexec would have it otherwise.
    const Result fd = call(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    return fd == -EINVAL ? call(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

Result Kernel::seal(int fd, int seals) noexcept { return call(SYS_fcntl, fd, F_ADD_SEALS, seals); }

Result Kernel::poll(pollfd* fds, unsigned count, int timeout_ms) noexcept {
    timespec timeout{timeout_ms / 1000, (timeout_ms % 1000) * 1'000'000L};
    return call(SYS_ppoll, fds, count, timeout_ms < 0 ? nullptr : &timeout, nullptr, kKernelSigsetBytes);
}

Result Kernel::clone_tree(int fd, bool recursive) noexcept {
    return call(SYS_open_tree, fd, "",
                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | unsigned{AT_EMPTY_PATH} | (recursive ? AT_RECURSIVE : 0U));
}

Result Kernel::clone_tree(const char* path, bool recursive) noexcept {
    return call(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0U));
}

Result Kernel::set_mount_attributes(int fd, bool recursive, std::uint64_t set, std::uint64_t clear,
                                    std::uint64_t propagation) noexcept {
    mount_attr attributes{};
    attributes.attr_set = set;
    attributes.attr_clr = clear;
    attributes.propagation = propagation;
    return call(SYS_mount_setattr, fd, "", unsigned{AT_EMPTY_PATH} | (recursive ? AT_RECURSIVE : 0U), &attributes,
                sizeof attributes);
}

Result Kernel::set_mount_attributes(const char* path, bool recursive, std::uint64_t set, std::uint64_t clear,
                                    std::uint64_t propagation) noexcept {
    mount_attr attributes{};
    attributes.attr_set = set;
    attributes.attr_clr = clear;
    attributes.propagation = propagation;
    return call(SYS_mount_setattr, AT_FDCWD, path, recursive ? AT_RECURSIVE : 0U, &attributes, sizeof attributes);
}

Result Kernel::map_mount_ids(int tree, bool recursive, int user_namespace) noexcept {
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<__u64>(user_namespace);
    return call(SYS_mount_setattr, tree, "", unsigned{AT_EMPTY_PATH} | (recursive ? AT_RECURSIVE : 0U), &attributes,
                sizeof attributes);
}

Result Kernel::move_mount(int tree, int target) noexcept {
    return call(SYS_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

Result Kernel::move_mount(int tree, const char* target) noexcept {
    return call(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
}

Result Kernel::open_file_system(const char* type) noexcept { return call(SYS_fsopen, type, FSOPEN_CLOEXEC); }

Result Kernel::configure_file_system(int fd, unsigned command, const char* key, const char* value) noexcept {
    return call(SYS_fsconfig, fd, command, key, value, 0);
}

Result Kernel::mount_file_system(int fd, std::uint64_t attributes) noexcept {
    return call(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes);
}

Result Kernel::pivot_root_here() noexcept { return call(SYS_pivot_root, ".", "."); }

Result Kernel::change_root_here() noexcept { return call(SYS_chroot, "."); }

Result Kernel::detach_mount(const char* path) noexcept { return call(SYS_umount2, path, kDetach | kNoFollow); }

Result Kernel::clone(std::uint64_t flags, int exit_signal, int& pidfd, int cgroup) noexcept {
    int descriptor = -1;
    clone_args arguments{};
    arguments.flags = flags | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&descriptor);
    arguments.exit_signal = static_cast<__u64>(exit_signal);
    if (cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<__u64>(cgroup);
    }
    const Result pid = call(SYS_clone3, &arguments, sizeof arguments);
    if (pid > 0) pidfd = descriptor;
    return pid;
}

Result Kernel::open_pidfd(pid_t pid) noexcept { return call(SYS_pidfd_open, pid, 0); }

Result Kernel::send_signal(int pidfd, int signal) noexcept {
    return call(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
}

Result Kernel::wait_for_exit(int pidfd, siginfo_t& info, int options) noexcept {
    Result result = 0;
    do {
        result = call(SYS_waitid, P_PIDFD, pidfd, &info, options, nullptr);
    } while (result == -EINTR);
    return result;
}

Result Kernel::join_namespaces(int pidfd, std::uint64_t flags) noexcept { return call(SYS_setns, pidfd, flags); }

Result Kernel::leave_namespaces(std::uint64_t flags) noexcept { return call(SYS_unshare, flags); }

Result Kernel::control(int option, unsigned long a, unsigned long b, unsigned long c) noexcept {
    return call(SYS_prctl, option, a, b, c, 0);
}

Result Kernel::new_session() noexcept { return call(SYS_setsid); }

Result Kernel::new_session_keyring() noexcept { return call(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr); }

Result Kernel::default_signal_action(int signal) noexcept {
    const KernelSigaction action;
    return call(SYS_rt_sigaction, signal, &action, nullptr, kKernelSigsetBytes);
}

Result Kernel::unblock_all_signals() noexcept {
    const std::uint64_t none = 0;
    return call(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kKernelSigsetBytes);
}

Result Kernel::set_limit(pid_t pid, int resource, const rlimit* limit, rlimit* old) noexcept {
    static_assert(sizeof(rlim_t) == 8, "prlimit64 takes 64-bit limits");
    return call(SYS_prlimit64, pid, resource, limit, old);
}

Result Kernel::execute(const char* path, const char* const* arguments, const char* const* environment) noexcept {
    return call(SYS_execve, path, arguments, environment);
}

Result Kernel::execute(int fd, const char* const* arguments, const char* const* environment) noexcept {
    return call(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
}

void Kernel::exit_now(int status) noexcept {
    for (;;) syscall(SYS_exit_group, status);
}

Result Kernel::set_personality(unsigned long persona) noexcept { return call(SYS_personality, persona); }

Result Kernel::set_scheduler(void* attributes) noexcept { return call(SYS_sched_setattr, 0, attributes, 0); }

Result Kernel::set_io_priority(int priority) noexcept {
    constexpr int of_process = 1;
    return call(SYS_ioprio_set, of_process, 0, priority);
}

Result Kernel::set_memory_policy(int mode, const unsigned long* nodes, unsigned long highest) noexcept {
    return call(SYS_set_mempolicy, mode, nodes, highest);
}

Result Kernel::set_affinity(const void* cpus, std::size_t bytes) noexcept {
    return call(SYS_sched_setaffinity, 0, bytes, cpus);
}

Result Kernel::set_users(uid_t uid) noexcept { return call(SYS_setresuid, uid, uid, uid); }

Result Kernel::set_groups(gid_t gid) noexcept { return call(SYS_setresgid, gid, gid, gid); }

Result Kernel::set_additional_groups(const gid_t* groups, std::size_t count) noexcept {
    return call(SYS_setgroups, count, groups);
}

Result Kernel::set_capabilities(std::uint64_t effective, std::uint64_t permitted, std::uint64_t inheritable) noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2];
    for (unsigned half = 0; half < 2; ++half) {
        data[half].effective = static_cast<std::uint32_t>(effective >> (32 * half));
        data[half].permitted = static_cast<std::uint32_t>(permitted >> (32 * half));
        data[half].inheritable = static_cast<std::uint32_t>(inheritable >> (32 * half));
    }
    return call(SYS_capset, &header, data);
}

Result Kernel::load_bpf(unsigned command, void* attributes, unsigned size) noexcept {
    return call(SYS_bpf, command, attributes, size);
}

Result Kernel::load_seccomp(unsigned flags, const void* instructions, std::size_t count) noexcept {
    sock_fprog program{};
    program.len = static_cast<unsigned short>(count);
    // The kernel only reads it; the uapi struct has no const.
    program.filter = static_cast<sock_filter*>(const_cast<void*>(instructions));
    return call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

Result Kernel::set_host_name(const char* name, std::size_t length) noexcept {
    return call(SYS_sethostname, name, length);
}

Result Kernel::set_domain_name(const char* name, std::size_t length) noexcept {
    return call(SYS_setdomainname, name, length);
}

Result Kernel::open_socket(int family, int type) noexcept { return call(SYS_socket, family, type | SOCK_CLOEXEC, 0); }

Result Kernel::io_control(int fd, unsigned long request, void* argument) noexcept {
    return call(SYS_ioctl, fd, request, argument);
}

Result Kernel::connect(int fd, const sockaddr* address, unsigned length) noexcept {
    return call(SYS_connect, fd, address, length);
}

Result Kernel::socket_option(int fd, int level, int name, void* value, unsigned* length) noexcept {
    return call(SYS_getsockopt, fd, level, name, value, length);
}

Result Kernel::send_message(int fd, const msghdr* message, int flags) noexcept {
    return call(SYS_sendmsg, fd, message, flags);
}

Kernel& linux_kernel() noexcept {
    static Kernel kernel;
    return kernel;
}

std::string call_name(long number) {
    char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(number));
    if (name == nullptr) return "system call " + std::to_string(number);
    std::string text = name;
    std::free(name);
    return text;
}

}  // namespace smith::runtime
