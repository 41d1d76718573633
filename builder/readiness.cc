// SPDX-License-Identifier: Apache-2.0
#include "builder/readiness.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <chrono>
#include <functional>
#include <optional>

#include "base/error.h"

namespace smith::builder {

namespace {

using std::chrono::milliseconds;

// One try: a service that is up answers at once, and one that isn't is asked again.
constexpr milliseconds kTry{1'000};
// More than any greeting or status line.
constexpr std::size_t kMaxAnswerBytes = 64 * 1024;

/// Sends `question` to the port and reads until `enough` of what came, the end, or kTry. Nothing when nobody listens.
std::optional<std::string> ask(Running& container, std::uint16_t port, std::string_view question,
                               const std::function<bool(const std::string&)>& enough) {
    const UniqueFd socket = container.connect_tcp(port, kTry);
    if (!socket) return std::nullopt;
    // A question fits a socket's buffer; a service that hangs up must not raise SIGPIPE.
    if (::send(socket.get(), question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size())) {
        return std::nullopt;
    }
    std::string answer;
    const auto deadline = std::chrono::steady_clock::now() + kTry;
    while (!enough(answer) && answer.size() < kMaxAnswerBytes) {
        const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd ready{socket.get(), POLLIN, 0};
        if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) break;
        std::array<char, 4096> buffer{};
        const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got <= 0) break;
        answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return answer;
}

/// The number before "/tcp" of the first such port in `ports`; "80" is one, too.
std::optional<std::uint16_t> first_tcp_port(const ocilayout::ImageConfig& config) {
    std::optional<std::uint16_t> lowest;
    for (const std::string& text : config.exposed_ports) {
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
        const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
        if (error != std::errc() || (!rest.empty() && rest != "/tcp")) continue;
        if (!lowest || port < *lowest) lowest = port;
    }
    return lowest;
}

}  // namespace

bool is_ready(const ReadyTcp& ready, const ocilayout::ImageConfig&, Running& container, const OutputCollector&) {
    const auto has_it = [&](const std::string& answer) { return answer.find(ready.expect) != std::string::npos; };
    const auto answer = ask(container, ready.port, ready.send, has_it);
    return answer && has_it(*answer);
}

bool is_ready(const ReadyHttp& ready, const ocilayout::ImageConfig& config, Running& container,
              const OutputCollector&) {
    const std::optional<std::uint16_t> port = ready.port ? ready.port : first_tcp_port(config);
    if (!port) throw Error(ErrorKind::spec, "'ready: {http: ...}' needs a port: give one, or a TCP port in 'ports'");
    const std::string request = "GET " + ready.path + " HTTP/1.0\r\nHost: localhost\r\nUser-Agent: smith\r\n\r\n";
    const auto answer =
        ask(container, *port, request, [](const std::string& text) { return text.find('\n') != std::string::npos; });
    // "HTTP/1.1 200 OK": RFC 9112 section 4.
    if (!answer || !answer->starts_with("HTTP/1.") || answer->size() < 12) return false;
    return (*answer)[9] == '2' || (*answer)[9] == '3';
}

bool is_ready(const ReadyLog& ready, const ocilayout::ImageConfig&, Running&, const OutputCollector& output) {
    return matches(ready.match, output.out()) || matches(ready.match, output.err());
}

std::string describe_ready(const ReadyTcp& ready) {
    const std::string port = "port " + std::to_string(ready.port);
    return ready.expect.empty() ? port + " is open" : port + " answers " + quote(ready.expect);
}

std::string describe_ready(const ReadyHttp& ready) { return "HTTP answers at " + quote(ready.path); }

std::string describe_ready(const ReadyLog& ready) { return "it prints " + quote(ready.match.spelling()); }

}  // namespace smith::builder
