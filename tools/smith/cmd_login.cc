// SPDX-License-Identifier: Apache-2.0
//
// `smith login` and `smith logout`.
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "ocilayout/registry/client.h"
#include "ocilayout/registry/credentials.h"
#include "ocilayout/registry/name.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/json_text.h"

namespace smith::cli {

namespace {

using ocilayout::Credential;

constexpr std::uint64_t kMaxPasswordBytes = std::uint64_t{64} * 1024;

constexpr char kInterrupt = '\x03';

/// The terminal without echo, as long as this lives. Ctrl-C is a character meanwhile: a process that it ends here would
/// leave the terminal as it is now.
class Hidden {
public:
    explicit Hidden(int fd) : fd_(fd), is_on_(::tcgetattr(fd, &before_) == 0) {
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
        if (is_on_) static_cast<void>(::tcsetattr(fd_, TCSAFLUSH, &quiet));
    }
    Hidden(const Hidden&) = delete;
    Hidden& operator=(const Hidden&) = delete;
    ~Hidden() {
        if (is_on_) static_cast<void>(::tcsetattr(fd_, TCSAFLUSH, &before_));
    }

private:
    int fd_;
    termios before_{};
    bool is_on_;
};

std::string read_line(int fd) {
    std::string out;
    char c = '\0';
    while (read_some(fd, std::as_writable_bytes(std::span(&c, 1))) == 1 && c != '\n') {
        if (c == kInterrupt) return std::string(1, c);
        if (out.size() < kMaxPasswordBytes) out += c;
    }
    return out;
}

/// From the terminal itself, so that neither pipe nor script is in the way.
std::string ask(const std::string& what, bool hidden) {
    const UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    if (!terminal) {
        throw Error(ErrorKind::usage,
                    "there is no terminal to ask for a " + what + "; use --username NAME --password-stdin");
    }
    write_all(terminal.get(), as_bytes(what + ": "));
    std::string answer;
    {
        const Hidden guard(hidden ? terminal.get() : -1);
        answer = read_line(terminal.get());
    }
    if (hidden) write_all(terminal.get(), as_bytes("\n"));
    if (answer.ends_with(kInterrupt)) static_cast<void>(std::raise(SIGINT));
    return answer;
}

Credential credential_of(const LoginCommand& command) {
    Credential out;
    if (command.password_stdin && command.username.empty()) {
        throw Error(ErrorKind::usage, "--password-stdin wants --username NAME");
    }
    out.username = Secret(command.username.empty() ? ask("user", false) : command.username);
    std::string password =
        command.password_stdin ? read_to_end(STDIN_FILENO, kMaxPasswordBytes) : ask("password", true);
    while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
    if (out.username.empty() || password.empty()) throw Error(ErrorKind::usage, "user and password may not be empty");
    if (out.username.reveal().find(':') != std::string::npos) {
        throw Error(ErrorKind::usage, "a user with a ':' can't be told to a registry");
    }
    out.password = Secret(std::move(password));
    return out;
}

/// Throws unless the registry accepts them.
void try_out(const std::string& host, const Credential& credential, ocilayout::RegistryOptions options) {
    options.login = ocilayout::RegistryLogin{credential.username, credential.password};
    ocilayout::RegistryClient client({host, "", false}, options);
    const ocilayout::RegistryCall call;
    const HttpResponse response = client.call(call);
    if (!response.ok()) throw client.refusal(call, response);
}

ocilayout::RegistryOptions registry_options(const Context& context) {
    ocilayout::RegistryOptions out = context.common.transport.registry;
    out.reporter = &context.reporter;
    return out;
}

}  // namespace

int run_command(const LoginCommand& command, Context& context) {
    const std::string host = ocilayout::parse_registry_host(command.registry);
    const Credential credential = credential_of(command);
    const ocilayout::RegistryOptions options = registry_options(context);
    const std::string where = while_doing([&] { return "logging in to " + quote(host); },
                                          [&] {
                                              try_out(host, credential, options);
                                              return ocilayout::store_credential(host, credential, options);
                                          });
    context.reporter.info("logged in to " + quote(host) + "; kept in " + quote(where));
    if (context.common.json) write_json({{"registry", json_text(host)}, {"kept_in", json_text(where)}});
    return kDone;
}

int run_command(const LogoutCommand& command, Context& context) {
    const std::string host = ocilayout::parse_registry_host(command.registry);
    const std::vector<std::string> gone =
        while_doing([&] { return "logging out of " + quote(host); },
                    [&] { return ocilayout::erase_credential(host, registry_options(context)); });
    if (gone.empty()) throw Error(ErrorKind::usage, "nothing is kept for " + quote(host));
    nlohmann::json places = nlohmann::json::array();
    for (const std::string& where : gone) {
        context.reporter.info("logged out of " + quote(host) + "; taken from " + quote(where));
        places.push_back(json_text(where));
    }
    if (context.common.json) write_json({{"registry", json_text(host)}, {"taken_from", places}});
    return kDone;
}

}  // namespace smith::cli
