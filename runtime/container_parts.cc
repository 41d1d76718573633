// SPDX-License-Identifier: Apache-2.0
#include "runtime/container_parts.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "base/error.h"

namespace smith::runtime {

Pipe make_pipe() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

SignalsBlocked::SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
    sigset_t pending;
    had_broken_pipe_ = sigpending(&pending) != 0 || sigismember(&pending, SIGPIPE) == 1;
}

SignalsBlocked::~SignalsBlocked() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    const timespec at_once{};
    // A child that died, a listener that hung up: EPIPE has said so, and nobody is to die of it.
    if (!had_broken_pipe_) static_cast<void>(sigtimedwait(&pipe, nullptr, &at_once));
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void hand_over_pipes(const Stdio& stdio, const RuntimeConfig& config) {
    const std::uint32_t uid = map_id(config.uid_mappings, config.process.uid).value_or(config.process.uid);
    for (const int fd : {stdio.in, stdio.out, stdio.err}) {
        struct stat status {};
        if (fd < 0 || fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode) || status.st_uid == uid) continue;
        // Only root may give something away. Without it the program still has its descriptors.
        static_cast<void>(fchown(fd, uid, static_cast<gid_t>(-1)) == 0);
    }
}

ChildChannels make_channels(const Stdio& stdio, int null, const StartGate& gate, const Pipe& go) {
    const auto or_null = [&](int fd) { return fd < 0 ? null : fd; };
    ChildChannels channels{or_null(stdio.in), or_null(stdio.out), or_null(stdio.err)};
    channels.status = gate.status_write.get();
    channels.parent_status = gate.status_read.get();
    channels.gate = gate.gate.get();
    channels.go = go.read.get();
    channels.parent_go = go.write.get();
    return channels;
}

bool read_report(int status, Failure& report) {
    const std::size_t got = read_some(status, std::as_writable_bytes(std::span(&report, 1)));
    // Reports are smaller than PIPE_BUF: they come whole.
    return got == sizeof report;
}

void throw_failure(const Failure& report, const Plan& plan) {
    // A program that can't be executed is the bundle's fault, everything before it this machine's or ours.
    const ErrorKind kind = report.step == StepId::launch_exec ? ErrorKind::spec : ErrorKind::system;
    throw Error(kind, describe_failure(report, plan));
}

void wait_for_execve(int status, const Plan& plan) {
    Failure report{};
    bool launched = false;
    while (read_report(status, report)) {
        launched = report.error_number == 0 && report.step == StepId::launch_exec;
        if (report.error_number != 0) throw_failure(report, plan);
    }
    if (!launched) throw Error(ErrorKind::system, "it was killed before its program could be started");
}

void wait_for_word(int status, StepId word, const Plan& plan) {
    Failure report{};
    if (!read_report(status, report)) {
        throw Error(ErrorKind::system, "it was killed before its program could be started");
    }
    if (report.error_number != 0) throw_failure(report, plan);
    if (report.step != word) throw Error(ErrorKind::system, "the contained process spoke out of turn");
}

}  // namespace smith::runtime
