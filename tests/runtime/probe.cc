// SPDX-License-Identifier: Apache-2.0
//
// The contained program of the functional tests: static, so that a root file system is this one file. Each argument
// list is one question about the inside, answered on standard output:  probe VERB [ARGUMENT...]
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

int answer(long result) {
    std::printf("%s\n", result < 0 ? strerrorname_np(errno) : "ok");
    return 0;
}

int show_file(const char* path) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return answer(-1);
    char buffer[4096];
    for (ssize_t got = 0; (got = read(fd, buffer, sizeof buffer)) > 0;) {
        std::fwrite(buffer, 1, static_cast<std::size_t>(got), stdout);
    }
    return 0;
}

int list_directory(const char* path) {
    dirent** entries = nullptr;
    const int count = scandir(path, &entries, nullptr, alphasort);
    if (count < 0) return answer(-1);
    for (int i = 0; i < count; ++i) {
        if (entries[i]->d_name[0] != '.') std::printf("%s\n", entries[i]->d_name);
    }
    return 0;
}

int show_descriptors() {
    for (int fd = 0; fd < 1024; ++fd) {
        if (fcntl(fd, F_GETFD) >= 0) std::printf("%d\n", fd);
    }
    return 0;
}

int show_kind(const char* path) {
    struct stat status {};
    if (stat(path, &status) != 0) return answer(-1);
    std::printf("%o %u:%u %u:%u\n", status.st_mode, status.st_uid, status.st_gid, major(status.st_rdev),
                minor(status.st_rdev));
    return 0;
}

int show_interfaces() {
    struct if_nameindex* interfaces = if_nameindex();
    for (auto* entry = interfaces; entry != nullptr && entry->if_index != 0; ++entry) {
        std::printf("%s\n", entry->if_name);
    }
    return 0;
}

int show_link(const char* path) {
    char target[512];
    const ssize_t length = readlink(path, target, sizeof target);
    if (length < 0) return answer(-1);
    std::printf("%.*s\n", static_cast<int>(length), target);
    return 0;
}

int show_limit(int resource) {
    rlimit limit{};
    if (getrlimit(resource, &limit) != 0) return answer(-1);
    std::printf("%llu %llu\n", static_cast<unsigned long long>(limit.rlim_cur),
                static_cast<unsigned long long>(limit.rlim_max));
    return 0;
}

int show_names() {
    char host[65] = {};
    char directory[512] = {};
    gethostname(host, sizeof host - 1);
    std::printf("%s %s %d %u:%u %o\n", host, getcwd(directory, sizeof directory), getpid(), getuid(), getgid(),
                umask(0));
    return 0;
}

[[noreturn]] void wait_forever() {
    std::printf("ready\n");
    std::fflush(stdout);
    for (;;) pause();
}

int handle(int signal) {
    struct sigaction action {};
    action.sa_handler = [](int) { _exit(42); };
    sigaction(signal, &action, nullptr);
    wait_forever();
}

/// A program that wants to survive: children of its own, no death signal, all signals blocked.
int cling() {
    prctl(PR_SET_PDEATHSIG, 0);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    for (int i = 0; i < 3; ++i) {
        if (fork() == 0) {
            setsid();
            for (;;) pause();
        }
    }
    wait_forever();
}

/// Answers one connection on 127.0.0.1 with a greeting.
int listen_on(int port) {
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(server, 1) != 0) {
        return answer(-1);
    }
    std::printf("ready\n");
    std::fflush(stdout);
    const int client = accept(server, nullptr, nullptr);
    return write(client, "hello", 5) == 5 ? 0 : 1;
}

int try_call(const char* name) {
    const auto is = [&](const char* other) { return std::strcmp(name, other) == 0; };
    if (is("mount")) return answer(mount("none", "/run", "tmpfs", 0, nullptr));
    if (is("unshare")) return answer(unshare(CLONE_NEWUSER));
    if (is("keyctl")) return answer(syscall(SYS_keyctl, 0, -3, 0));
    if (is("clone3")) return answer(syscall(SYS_clone3, nullptr, 0));
    if (is("chown")) return answer(chown("/run", 1, 1));
    if (is("mknod")) return answer(mknod("/run/null", S_IFCHR | 0666, makedev(1, 3)));
    if (is("setuid")) return answer(setuid(1));
    if (is("tty")) return answer(ioctl(0, TIOCSTI, "x"));
    return 2;
}

/// Nice value, I/O priority, scheduling policy, personality.
int show_scheduling() {
    constexpr int of_process = 1;
    std::printf("%d %ld %d %d\n", getpriority(PRIO_PROCESS, 0), syscall(SYS_ioprio_get, of_process, 0),
                sched_getscheduler(0), personality(0xffffffff));
    return 0;
}

int write_to(const char* path) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    return answer(fd < 0 ? -1 : write(fd, "x", 1));
}

}  // namespace

int main(int argc, char** argv) {
    const char* verb = argc > 1 ? argv[1] : "";
    const char* first = argc > 2 ? argv[2] : "";
    const auto is = [&](const char* other) { return std::strcmp(verb, other) == 0; };
    if (is("cat")) return show_file(first);
    if (is("ls")) return list_directory(first);
    if (is("write")) return write_to(first);
    if (is("kind")) return show_kind(first);
    if (is("link")) return show_link(first);
    if (is("fds")) return show_descriptors();
    if (is("interfaces")) return show_interfaces();
    if (is("nofile")) return show_limit(RLIMIT_NOFILE);
    if (is("names")) return show_names();
    if (is("scheduling")) return show_scheduling();
    if (is("try")) return try_call(first);
    if (is("exit")) return std::atoi(first);
    if (is("die")) return kill(getpid(), std::atoi(first)) + 1;
    if (is("abort")) std::abort();
    if (is("pause")) wait_forever();
    if (is("handle")) return handle(std::atoi(first));
    if (is("cling")) return cling();
    if (is("listen")) return listen_on(std::atoi(first));
    std::printf("what?\n");
    return 2;
}
