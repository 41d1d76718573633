// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/registry/credential_helper.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "ocilayout/json_fields.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

// A token of a cloud has some KiB.
constexpr std::size_t kMaxAnswerBytes = std::size_t{256} * 1024;
// It may ask a person for a fingerprint, or a cloud for a token.
constexpr std::chrono::seconds kPatience{120};

struct Pipe {
    UniqueFd read;
    UniqueFd write;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// A child that is not left behind, whatever happens.
class Child {
public:
    explicit Child(pid_t pid) : pid_(pid) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ < 0) return;
        static_cast<void>(::kill(pid_, SIGKILL));
        static_cast<void>(wait());
    }
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return status;
    }

private:
    pid_t pid_;
};

class SpawnActions {
public:
    SpawnActions() { posix_spawn_file_actions_init(&actions_); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
    void dup(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }
    [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

/// Ours and the child's standard input. Not a pipe: writing to one that nobody reads would be a SIGPIPE.
std::pair<UniqueFd, UniqueFd> make_input() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw system_error(errno, "making a pair of sockets");
    }
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

struct Answer {
    bool done = false;
    std::string text;
};

/// One end of each pipe, served as it is ready: a helper that writes before it reads must not make both wait.
std::string converse(UniqueFd to, const UniqueFd& from, std::string_view input) {
    std::string out;
    const auto deadline = Clock::now() + kPatience;
    for (;;) {
        if (input.empty()) to.reset();
        std::array<pollfd, 2> ends{pollfd{from.get(), POLLIN, 0}, pollfd{to.get(), POLLOUT, 0}};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        const int ready = left.count() <= 0 ? 0 : ::poll(ends.data(), ends.size(), static_cast<int>(left.count()));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) throw Error(ErrorKind::system, "it did not answer in time");
        if (ends[1].revents != 0 && to) {
            const ssize_t count = ::send(to.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            // It may have closed its input; what it says and how it ends is of interest, not this.
            if (count < 0 && errno != EAGAIN && errno != EINTR) input = {};
            if (count > 0) input.remove_prefix(static_cast<std::size_t>(count));
        }
        if (ends[0].revents == 0) continue;
        std::array<char, 4096> buffer{};
        const std::size_t count = read_some(from.get(), std::as_writable_bytes(std::span(buffer)));
        if (count == 0) return out;
        out.append(buffer.data(), count);
        if (out.size() > kMaxAnswerBytes) throw Error(ErrorKind::format, "its answer never ends");
    }
}

Answer run(const std::string& name, const char* verb, std::string_view input) {
    if (!is_helper_name(name)) {
        throw Error(ErrorKind::spec, "credential helper " + quote(name) + ": a name has letters, digits, '-' and '_'");
    }
    const std::string program = "docker-credential-" + name;
    return while_doing(
        [&] { return "asking '" + program + "' to " + verb; },
        [&] {
            auto [input_end, child_input] = make_input();
            Pipe out = make_pipe();
            SpawnActions actions;
            actions.dup(child_input.get(), STDIN_FILENO);
            actions.dup(out.write.get(), STDOUT_FILENO);
            std::array<char*, 3> argv{const_cast<char*>(program.c_str()), const_cast<char*>(verb), nullptr};
            pid_t pid = -1;
            const int failed = ::posix_spawnp(&pid, program.c_str(), actions.get(), nullptr, argv.data(), environ);
            if (failed != 0) throw system_error(failed, "running it");
            Child child(pid);
            child_input.reset();
            out.write.reset();
            Answer answer;
            answer.text = converse(std::move(input_end), out.read, input);
            const int status = child.wait();
            answer.done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
            return answer;
        });
}

/// What helpers say on standard output, with a status, when they have nothing for a server.
bool means_nothing_found(const std::string& text) { return text.find("credentials not found") != std::string::npos; }

[[noreturn]] void fail(const std::string& name, const char* verb) {
    throw Error(ErrorKind::system,
                "asking 'docker-credential-" + name + "' to " + verb + ": it failed; run it by hand to see why");
}

}  // namespace

bool is_helper_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    });
}

std::optional<Credential> ask_helper(const std::string& name, const std::string& server) {
    const Answer answer = run(name, "get", server);
    if (!answer.done && means_nothing_found(answer.text)) return std::nullopt;
    if (!answer.done) fail(name, "get");
    Credential out;
    try {
        const json document = parse_json(answer.text);
        const std::string user = string_field(document, "Username");
        const std::string secret = string_field(document, "Secret");
        if (user == "<token>") {
            out.identity_token = Secret(secret);
        } else {
            out.username = Secret(user);
            out.password = Secret(secret);
        }
    } catch (const Error&) {
        // The parser's message may quote what it saw.
        throw Error(ErrorKind::format, "'docker-credential-" + name + "' does not answer with Username and Secret");
    }
    if (out.empty()) return std::nullopt;
    return out;
}

void store_in_helper(const std::string& name, const std::string& server, const Credential& credential) {
    const json document = {
        {"ServerURL", server}, {"Username", credential.username.reveal()}, {"Secret", credential.password.reveal()}};
    if (!run(name, "store", dump_json(document)).done) fail(name, "store");
}

bool erase_from_helper(const std::string& name, const std::string& server) {
    const Answer answer = run(name, "erase", server);
    if (!answer.done && means_nothing_found(answer.text)) return false;
    if (!answer.done) fail(name, "erase");
    return true;
}

}  // namespace smith::ocilayout
