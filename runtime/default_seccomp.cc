// SPDX-License-Identifier: Apache-2.0
//
// The filter of a microcontainer: three lists. A call that a server, an interpreter or a tool makes in everyday work is
// allowed; one that changes the machine, other containers or the shape of this one is answered as a kernel would answer
// an ordinary user, EPERM; everything else, known or yet to be invented, does not exist (ENOSYS), so that a libc which
// tries a new call first falls back to the old one. A call's 32-bit and 64-bit variants stand together.
//
// It agrees with the profiles of docker and podman where a container has no capabilities: a program that passes here
// must not fail there, or the other way round. io_uring is left out, as both now do: it has been the way around
// filters.
#include <cerrno>

#include "runtime/seccomp.h"

namespace smith::runtime {

namespace {

// One name a line, as clang-format would have it, hides the groups.
// clang-format off
const std::vector<std::string> kFiles = {
    "open", "openat", "openat2", "creat", "close", "close_range", "read", "pread64", "readv", "preadv", "preadv2",
    "write", "pwrite64", "writev", "pwritev", "pwritev2", "lseek", "_llseek", "dup", "dup2", "dup3", "fcntl",
    "fcntl64", "ioctl", "flock", "fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "sync_file_range2",
    "arm_sync_file_range", "truncate", "truncate64", "ftruncate", "ftruncate64", "fallocate", "fadvise64",
    "fadvise64_64", "arm_fadvise64_64", "readahead", "cachestat", "copy_file_range", "sendfile", "sendfile64",
    "splice", "tee", "pipe", "pipe2", "stat", "stat64", "lstat", "lstat64", "fstat", "fstat64", "fstatat64",
    "newfstatat", "statx", "statfs", "statfs64", "fstatfs", "fstatfs64", "access", "faccessat", "faccessat2",
    "chdir", "fchdir", "getcwd", "mkdir", "mkdirat", "rmdir", "link", "linkat", "symlink", "symlinkat", "unlink",
    "unlinkat", "rename", "renameat", "renameat2", "readlink", "readlinkat", "readdir", "getdents", "getdents64",
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "chown32", "fchown", "fchown32", "fchownat", "lchown",
    "lchown32", "umask", "mknod", "mknodat", "utime", "utimes", "futimesat", "utimensat", "utimensat_time64",
    "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr", "setxattr", "lsetxattr",
    "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "getxattrat", "listxattrat", "setxattrat",
    "removexattrat", "name_to_handle_at", "statmount", "listmount", "inotify_init", "inotify_init1",
    "inotify_add_watch", "inotify_rm_watch", "fanotify_mark", "landlock_create_ruleset", "landlock_add_rule",
    "landlock_restrict_self"};

const std::vector<std::string> kWaiting = {
    "select", "_newselect", "pselect6", "pselect6_time64", "poll", "ppoll", "ppoll_time64", "epoll_create",
    "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_wait", "epoll_wait_old", "epoll_pwait", "epoll_pwait2",
    "eventfd", "eventfd2", "signalfd", "signalfd4", "timerfd_create", "timerfd_settime", "timerfd_settime64",
    "timerfd_gettime", "timerfd_gettime64", "io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents",
    "io_pgetevents", "io_pgetevents_time64"};

const std::vector<std::string> kMemory = {
    "brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "mincore", "msync", "mlock", "mlock2",
    "mlockall", "munlock", "munlockall", "remap_file_pages", "memfd_create", "memfd_secret", "pkey_alloc",
    "pkey_free", "pkey_mprotect", "mseal", "map_shadow_stack", "membarrier", "get_mempolicy", "set_mempolicy",
    "mbind", "set_mempolicy_home_node", "shmget", "shmat", "shmdt", "shmctl"};

const std::vector<std::string> kProcesses = {
    "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitpid", "waitid", "kill", "tkill",
    "tgkill", "pidfd_open", "pidfd_send_signal", "pidfd_getfd", "process_mrelease", "ptrace", "process_vm_readv",
    "process_vm_writev", "getpid", "getppid", "gettid", "getpgid", "setpgid", "getpgrp", "getsid", "setsid",
    "set_tid_address", "set_thread_area", "get_thread_area", "set_robust_list", "get_robust_list", "rseq",
    "futex", "futex_time64", "futex_waitv", "futex_wake", "futex_wait", "futex_requeue", "getpriority",
    "setpriority", "ioprio_get", "ioprio_set", "sched_yield", "sched_get_priority_max", "sched_get_priority_min",
    "sched_getaffinity", "sched_setaffinity", "sched_getattr", "sched_setattr", "sched_getparam",
    "sched_setparam", "sched_getscheduler", "sched_setscheduler", "sched_rr_get_interval",
    "sched_rr_get_interval_time64", "getcpu", "getrlimit", "ugetrlimit", "setrlimit", "prlimit64", "getrusage",
    "times", "prctl", "arch_prctl", "modify_ldt", "cacheflush", "breakpoint", "set_tls", "riscv_flush_icache",
    "riscv_hwprobe", "uretprobe", "restart_syscall", "seccomp"};

const std::vector<std::string> kSignals = {
    "signal", "sigaction", "rt_sigaction", "sigprocmask", "rt_sigprocmask", "sigpending", "rt_sigpending",
    "sigsuspend", "rt_sigsuspend", "sigreturn", "rt_sigreturn", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    "rt_sigtimedwait", "rt_sigtimedwait_time64", "sigaltstack", "pause", "alarm", "getitimer", "setitimer"};

const std::vector<std::string> kTime = {
    "time", "gettimeofday", "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64",
    "clock_nanosleep", "clock_nanosleep_time64", "nanosleep", "timer_create", "timer_delete", "timer_settime",
    "timer_settime64", "timer_gettime", "timer_gettime64", "timer_getoverrun",
    // They only read the clock unless their caller may set it, which takes a capability.
    "adjtimex", "clock_adjtime", "clock_adjtime64"};

const std::vector<std::string> kIdentity = {
    "getuid", "getuid32", "geteuid", "geteuid32", "getgid", "getgid32", "getegid", "getegid32", "getgroups",
    "getgroups32", "getresuid", "getresuid32", "getresgid", "getresgid32", "setuid", "setuid32", "setgid",
    "setgid32", "setreuid", "setreuid32", "setregid", "setregid32", "setresuid", "setresuid32", "setresgid",
    "setresgid32", "setfsuid", "setfsuid32", "setfsgid", "setfsgid32", "setgroups", "setgroups32", "capget",
    "capset", "uname", "sysinfo", "getrandom", "lsm_get_self_attr", "lsm_list_modules"};

const std::vector<std::string> kSockets = {
    "socketpair", "socketcall", "bind", "listen", "accept", "accept4", "connect", "shutdown", "getsockname",
    "getpeername", "getsockopt", "setsockopt", "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom",
    "recvmsg", "recvmmsg", "recvmmsg_time64"};

const std::vector<std::string> kMessages = {
    "ipc", "msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semctl", "semtimedop", "semtimedop_time64",
    "mq_open", "mq_unlink", "mq_notify", "mq_getsetattr", "mq_timedsend", "mq_timedsend_time64",
    "mq_timedreceive", "mq_timedreceive_time64"};

const std::vector<std::string> kForbidden = {
    // the shape of the container
    "mount", "umount", "umount2", "pivot_root", "chroot", "unshare", "setns", "fsopen", "fsconfig", "fsmount",
    "fspick", "move_mount", "open_tree", "open_tree_attr", "mount_setattr", "sethostname", "setdomainname",
    // the machine
    "reboot", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module",
    "query_module", "get_kernel_syms", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "nfsservctl",
    "syslog", "sysfs", "_sysctl", "uselib", "vhangup", "ioperm", "iopl", "vm86", "vm86old", "pciconfig_iobase",
    "pciconfig_read", "pciconfig_write", "s390_pci_mmio_read", "s390_pci_mmio_write", "settimeofday", "stime",
    "clock_settime", "clock_settime64",
    // others' processes, memory and files
    "bpf", "perf_event_open", "fanotify_init", "lookup_dcookie", "open_by_handle_at", "kcmp", "process_madvise",
    "move_pages", "migrate_pages", "userfaultfd", "add_key", "request_key", "keyctl", "vmsplice",
    // old or odd
    "ustat", "oldfstat", "oldlstat", "oldstat", "olduname", "oldolduname", "bdflush", "sgetmask", "ssetmask",
    "nice", "swapcontext"};

// clang-format on

// CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET} and CLONE_NEWTIME cannot be asked for.
constexpr std::uint64_t kNamespaceFlags = 0x7E020000;

SeccompRule allow(std::vector<std::string> names) { return {std::move(names), "SCMP_ACT_ALLOW", std::nullopt, {}}; }

SeccompRule allow_if(const char* name, SeccompArgument argument) {
    return {{name}, "SCMP_ACT_ALLOW", std::nullopt, {std::move(argument)}};
}

SeccompRule answer(std::vector<std::string> names, int error) {
    return {std::move(names), "SCMP_ACT_ERRNO", static_cast<std::uint32_t>(error), {}};
}

std::vector<std::string> architectures(bool thirty_two_bit) {
#if defined(__x86_64__)
    // x32 never: nobody has programs for it, and it doubles the numbers to be thought of.
    return thirty_two_bit ? std::vector<std::string>{"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"}
                          : std::vector<std::string>{"SCMP_ARCH_X86_64"};
#elif defined(__aarch64__)
    return thirty_two_bit ? std::vector<std::string>{"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"}
                          : std::vector<std::string>{"SCMP_ARCH_AARCH64"};
#elif defined(__riscv)
    return {"SCMP_ARCH_RISCV64"};
#else
    return {};
#endif
}

}  // namespace

SeccompConfig default_seccomp(bool thirty_two_bit) {
    SeccompConfig config;
    config.default_action = "SCMP_ACT_ERRNO";
    config.default_errno_ret = ENOSYS;
    config.architectures = architectures(thirty_two_bit);
    for (const auto* names :
         {&kFiles, &kWaiting, &kMemory, &kProcesses, &kSignals, &kTime, &kIdentity, &kSockets, &kMessages}) {
        config.rules.push_back(allow(*names));
    }
    // Threads and processes, but no new namespaces. clone3 passes its flags by pointer, where a filter cannot look, and
    // is left to ENOSYS: libc then calls clone.
    config.rules.push_back(allow_if("clone", {0, kNamespaceFlags, 0, "SCMP_CMP_MASKED_EQ"}));
    // A filter for i686 cannot see socketcall's arguments; there, this rule binds only the direct call. Family 40 is
    // AF_VSOCK: it has no namespaces and reaches the hypervisor.
    config.rules.push_back(allow_if("socket", {0, 40, 0, "SCMP_CMP_NE"}));
    // PER_LINUX and PER_LINUX32, with and without UNAME26, and the question which it is.
    for (const std::uint64_t persona : {0x0ULL, 0x8ULL, 0x20000ULL, 0x20008ULL, 0xffffffffULL}) {
        config.rules.push_back(allow_if("personality", {0, persona, 0, "SCMP_CMP_EQ"}));
    }
    config.rules.push_back(answer(kForbidden, EPERM));
    return config;
}

}  // namespace smith::runtime
