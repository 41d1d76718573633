// SPDX-License-Identifier: Apache-2.0
//
// The last thing that runs before the contained program: a static program without libc, a few kilobytes, that loads the
// seccomp filter and calls execve. It exists because of /proc/self/exe (CVE-2019-5736). An entry point that begins with
// `#!/proc/self/exe` makes the kernel run whatever program called execve; were that smith, then smith would run inside
// the container with the container's libraries, and could be opened and overwritten from there. So the program that
// calls execve is this one, run from a sealed memfd: it has no libraries to replace, nothing can write to it, and run a
// second time it finds no orders and ends.
//
// It is also what waits between `create` and `start`: so little of a runtime is left in a container that was created.
//
// How it is called: argv and the environment are those of the contained program; its descriptors as runtime/failure.h
// says.
#include <asm/unistd.h>
#include <linux/auxvec.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <linux/openat2.h>

#include "runtime/failure.h"

namespace {

using namespace smith::runtime;

#if defined(__x86_64__)
asm(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call launch\n");

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0) {
    long result;
    register long r10 asm("r10") = d;
    asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
asm(".globl _start\n_start:\n  mov x29, #0\n  mov x30, #0\n  mov x0, sp\n  bl launch\n");

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0) {
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    register long x3 asm("x3") = d;
    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#elif defined(__riscv) && __riscv_xlen == 64
asm(".globl _start\n_start:\n  mv a0, sp\n  andi sp, sp, -16\n  call launch\n");

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0) {
    register long a7 asm("a7") = number;
    register long a0 asm("a0") = a;
    register long a1 asm("a1") = b;
    register long a2 asm("a2") = c;
    register long a3 asm("a3") = d;
    asm volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
    return a0;
}
#else
#error "the launcher needs five lines of assembly for this processor"
#endif

long address(const volatile void* pointer) { return reinterpret_cast<long>(pointer); }

int first_fd = -1;

int fd_of(LauncherFd which) { return first_fd + which; }

// Static, so that no code is needed to clear or copy them: there is no memset here.
LauncherOrders orders;
sock_filter filter[kMaxFilterInstructions];
char labels[kMaxLabelBytes];
Failure failure;
char candidate[4096 + 256];

[[noreturn]] void end(int status) {
    for (;;) call(__NR_exit_group, status);
}

[[noreturn]] void fail(StepId step, long number, long negative_errno) {
    failure.step = step;
    failure.call = static_cast<std::int32_t>(number);
    failure.error_number = static_cast<std::int32_t>(-negative_errno);
    call(__NR_write, fd_of(kStatusFd), address(&failure), sizeof failure);
    end(127);
}

void read_fully(void* buffer, unsigned long size) {
    char* at = static_cast<char*>(buffer);
    while (size > 0) {
        const long got = call(__NR_read, fd_of(kOrdersFd), address(at), static_cast<long>(size));
        if (got <= 0) fail(StepId::launch_read, __NR_read, got == 0 ? -EIO : got);
        at += got;
        size -= static_cast<unsigned long>(got);
    }
}

/// Both descriptors vanish when execve succeeds; that the status pipe closes is how the parent knows.
void close_on_exec(LauncherFd which) {
    const long result = call(__NR_fcntl, fd_of(which), F_SETFD, FD_CLOEXEC);
    if (result < 0) fail(StepId::launch_read, __NR_fcntl, result);
}

/// "So far, so good": tells the end of the pipe that execve causes from the one that a sudden death causes.
void announce(StepId step) {
    failure.step = step;
    failure.error_number = 0;
    call(__NR_write, fd_of(kStatusFd), address(&failure), sizeof failure);
}

/// Can `candidate` be executed? 0, or why not: -ENOENT, -ENOTDIR, -EACCES. A filter that does not like the question,
/// and whatever else there is, counts as a yes: execve will know.
long look_at(const char* path) {
    constexpr long kExecutable = 1;
    const long result = call(__NR_faccessat, AT_FDCWD, address(path), kExecutable);
    return result == -ENOENT || result == -ENOTDIR || result == -EACCES ? result : 0;
}

long execute_it(const char* path, char** arguments, char** environment) {
    return call(__NR_execve, address(path), address(arguments), address(environment));
}

long look_only(const char* path, char**, char**) { return look_at(path); }

/// Until `start` sends a byte. Whoever created the container may be gone, so that nobody hears us: no matter.
void wait_at_gate() {
    announce(StepId::launch_wait);
    char go = 0;
    const long got = call(__NR_read, fd_of(kGateFd), address(&go), 1);
    if (got <= 0) fail(StepId::launch_wait, __NR_read, got == 0 ? -EPIPE : got);
}

/// Sets `first_fd` by the name that the kernel has for this program, "/dev/fd/N"; false when that is another, because
/// somebody else runs it.
bool find_descriptors(char** environment) {
    while (*environment != nullptr) ++environment;
    const unsigned long* entry = reinterpret_cast<const unsigned long*>(environment + 1);
    for (; entry[0] != AT_NULL; entry += 2) {
        if (entry[0] != AT_EXECFN) continue;
        const char* name = reinterpret_cast<const char*>(entry[1]);
        for (const char* expected = "/dev/fd/"; *expected != '\0'; ++expected, ++name) {
            if (*name != *expected) return false;
        }
        int number = 0;
        for (; *name >= '0' && *name <= '9' && number < 100000; ++name) number = number * 10 + (*name - '0');
        first_fd = number - kLauncherFd;
        return *name == '\0' && first_fd >= kFirstLauncherFd;
    }
    return false;
}

/// The text behind the next NUL.
const char* after(const char* text) {
    while (*text != '\0') ++text;
    return text + 1;
}

/// What a security module makes of the program: of the next one that is executed. Nothing may be mounted over the file,
/// and no link of a process followed: the proc may be the container's.
void set_labels() {
    static open_how how;
    how.flags = O_WRONLY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
    const char* end = labels + orders.label_bytes;
    for (const char* file = labels; file < end;) {
        const char* value = after(file);
        const char* next = after(value);
        const long fd = call(__NR_openat2, fd_of(kProcFd), address(file), address(&how), sizeof how);
        if (fd < 0) fail(StepId::launch_label, __NR_openat2, fd);
        const long size = next - value - 1;
        const long written = call(__NR_write, fd, address(value), size);
        if (written != size) fail(StepId::launch_label, __NR_write, written < 0 ? written : -EIO);
        file = next;
    }
}

void load_filter() {
    if (orders.instruction_count == 0) return;
    sock_fprog program;
    program.len = static_cast<unsigned short>(orders.instruction_count);
    program.filter = filter;
    const long result =
        call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, static_cast<long>(orders.seccomp_flags), address(&program));
    if (result < 0) fail(StepId::launch_seccomp, __NR_seccomp, result);
}

const char* path_variable(char** environment) {
    for (; *environment != nullptr; ++environment) {
        const char* entry = *environment;
        if (entry[0] == 'P' && entry[1] == 'A' && entry[2] == 'T' && entry[3] == 'H' && entry[4] == '=') {
            return entry + 5;
        }
    }
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

bool has_slash(const char* text) {
    for (; *text != '\0'; ++text) {
        if (*text == '/') return true;
    }
    return false;
}

/// Puts "<directory>/<name>" into `candidate`; false when it does not fit. An empty directory means the current one.
bool join(const char* directory, unsigned long length, const char* name) {
    constexpr unsigned long room = sizeof candidate - 2;
    if (length > room) return false;
    unsigned long at = 0;
    for (; at < length; ++at) candidate[at] = directory[at];
    if (length > 0) candidate[at++] = '/';
    for (; *name != '\0'; ++name) {
        if (at >= room) return false;
        candidate[at++] = *name;
    }
    candidate[at] = '\0';
    return true;
}

/// What is done with each path at which the program may be: only look, or execute.
using Attempt = long (*)(const char* path, char** arguments, char** environment);

/// As execvp(3) does it: the first directory of PATH that has the program, and EACCES remembered over ENOENT.
long search(Attempt attempt, char** arguments, char** environment) {
    long error = -ENOENT;
    const char* directory = path_variable(environment);
    for (;;) {
        unsigned long length = 0;
        while (directory[length] != '\0' && directory[length] != ':') ++length;
        if (join(directory, length, arguments[0])) {
            const long result = attempt(candidate, arguments, environment);
            if (result == -EACCES) {
                error = result;
            } else if (result != -ENOENT && result != -ENOTDIR) {
                return result;
            }
        }
        if (directory[length] == '\0') return error;
        directory += length + 1;
    }
}

long attempt_program(Attempt attempt, char** arguments, char** environment) {
    if (arguments[0][0] == '\0') return -ENOENT;
    return has_slash(arguments[0]) ? attempt(arguments[0], arguments, environment)
                                   : search(attempt, arguments, environment);
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void launch(long* stack) {
    const long argument_count = stack[0];
    char** arguments = reinterpret_cast<char**>(stack + 1);
    char** environment = arguments + argument_count + 1;
    if (argument_count < 1 || !find_descriptors(environment)) end(127);

    read_fully(&orders, sizeof orders);
    if (orders.magic != kOrdersMagic || orders.instruction_count > kMaxFilterInstructions) {
        fail(StepId::launch_read, -1, -EINVAL);
    }
    read_fully(filter, orders.instruction_count * sizeof(sock_filter));
    // One byte is left, a NUL: whatever they are, they end.
    if (orders.label_bytes >= sizeof labels) fail(StepId::launch_read, -1, -EINVAL);
    read_fully(labels, orders.label_bytes);
    close_on_exec(kStatusFd);
    close_on_exec(kOrdersFd);
    close_on_exec(kGateFd);
    close_on_exec(kProcFd);
    if (orders.wait != 0) {
        // Better to fail now, before anybody counts on it.
        const long found = attempt_program(look_only, arguments, environment);
        if (found < 0) fail(StepId::launch_exec, __NR_execve, found);
        wait_at_gate();
    }
    set_labels();
    announce(StepId::launch_exec);
    load_filter();
    fail(StepId::launch_exec, __NR_execve, attempt_program(execute_it, arguments, environment));
}
