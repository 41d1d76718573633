// SPDX-License-Identifier: Apache-2.0
#include "runtime/dbus_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/error.h"
#include "base/split.h"

namespace smith::runtime {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kBus = "org.freedesktop.DBus";
// The bus takes some dozen connections that it has not looked at yet, and then says EAGAIN.
constexpr int kConnectPauseMs = 5;

int milliseconds_until(Clock::time_point until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT32_MAX));
}

int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/// "%2f" is a slash.
std::string unescaped(std::string_view text, std::string_view address) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) throw Error(ErrorKind::usage, "the address of a bus is malformed: " + quote(address));
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::optional<DbusAddress> parse_address(std::string_view text) {
    constexpr std::string_view kind = "unix:";
    if (!text.starts_with(kind)) return std::nullopt;
    for (const std::string_view pair : split(text.substr(kind.size()), ',')) {
        const std::size_t equals = pair.find('=');
        const std::string_view key = pair.substr(0, equals);
        if (equals == std::string_view::npos || (key != "path" && key != "abstract")) continue;
        return DbusAddress{unescaped(pair.substr(equals + 1), text), key == "abstract"};
    }
    return std::nullopt;
}

UniqueFd connect_to(Kernel& kernel, const DbusAddress& address, Clock::time_point until) {
    const std::string doing = "connecting to the bus " + quote(address.path);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::size_t at = address.abstract ? 1 : 0;
    if (address.path.empty() || at + address.path.size() >= sizeof name.sun_path) {
        throw system_error(ENAMETOOLONG, doing);
    }
    std::memcpy(name.sun_path + at, address.path.data(), address.path.size());
    // An abstract name is as long as it is said to be, the other ends with its NUL.
    const std::size_t length = offsetof(sockaddr_un, sun_path) + address.path.size() + 1;
    const Result opened = kernel.open_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
    if (opened < 0) throw system_error(static_cast<int>(-opened), doing);
    UniqueFd socket(static_cast<int>(opened));
    Result connected = 0;
    while ((connected = kernel.connect(socket.get(), reinterpret_cast<const sockaddr*>(&name),
                                       static_cast<unsigned>(length))) == -EAGAIN ||
           connected == -EINTR) {
        if (Clock::now() >= until) break;
        static_cast<void>(kernel.poll(nullptr, 0, kConnectPauseMs));
    }
    if (connected < 0) throw system_error(static_cast<int>(-connected), doing);
    return socket;
}

[[noreturn]] void no_answer(DbusConnection::Patience patience) {
    throw Error(ErrorKind::system, "the bus does not answer: waited for " + std::to_string(patience.count()) + " ms",
                ETIMEDOUT);
}

}  // namespace

std::vector<DbusAddress> parse_dbus_addresses(std::string_view text) {
    std::vector<DbusAddress> out;
    for (const std::string_view one : split(text, ';')) {
        if (auto address = parse_address(one)) out.push_back(std::move(*address));
    }
    if (out.empty()) {
        throw Error(ErrorKind::usage, "the address of a bus, " + quote(text) +
                                          ", names no socket: 'unix:path=...' or 'unix:abstract=...'");
    }
    return out;
}

DbusConnection::DbusConnection(Kernel& kernel, UniqueFd socket, Patience patience)
    : kernel_(&kernel), socket_(std::move(socket)), patience_(patience) {
    authenticate();
    const DbusMessage hello = call({kBus, "/org/freedesktop/DBus", kBus, "Hello", {}});
    if (hello.type == DbusMessageType::error) {
        throw Error(ErrorKind::system, "the bus does not take us: " + dbus_error_text(hello));
    }
    if (hello.signature != "s") throw Error(ErrorKind::format, "the bus gives us no name");
    name_ = DbusReader(hello).text();
}

DbusConnection DbusConnection::connect(Kernel& kernel, const std::vector<DbusAddress>& addresses, Patience patience) {
    const auto until = Clock::now() + patience;
    for (std::size_t i = 0; i + 1 < addresses.size(); ++i) {
        try {
            return DbusConnection(kernel, connect_to(kernel, addresses[i], until), patience);
        } catch (const Error&) {
            // The next one; what is told is why the last one could not be had.
        }
    }
    return DbusConnection(kernel, connect_to(kernel, addresses.back(), until), patience);
}

DbusConnection::Deadline DbusConnection::deadline() const { return Clock::now() + patience_; }

bool DbusConnection::wait(short events, Deadline until) {
    pollfd ready{socket_.get(), events, 0};
    for (;;) {
        const int left = milliseconds_until(until);
        const Result polled = left == 0 ? 0 : kernel_->poll(&ready, 1, left);
        if (polled == -EINTR) continue;
        if (polled < 0) throw system_error(static_cast<int>(-polled), "waiting for the bus");
        return polled > 0;
    }
}

void DbusConnection::send(std::string_view bytes, Deadline until) {
    while (!bytes.empty()) {
        // The kernel only reads it; iovec has no const.
        iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        const Result sent = kernel_->send_message(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (sent == -EAGAIN) {
            if (!wait(POLLOUT, until)) no_answer(patience_);
        } else if (sent != -EINTR) {
            throw system_error(static_cast<int>(-sent), "writing to the bus");
        }
    }
}

bool DbusConnection::receive_some(Deadline until) {
    std::array<char, 4096> buffer;  // NOLINT: read() fills it
    if (!wait(POLLIN, until)) return false;
    const Result got = kernel_->read(socket_.get(), buffer.data(), buffer.size());
    if (got == -EINTR || got == -EAGAIN) return true;
    if (got < 0) throw system_error(static_cast<int>(-got), "reading from the bus");
    if (got == 0) throw Error(ErrorKind::system, "the bus has closed the connection");
    received_.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
}

std::string DbusConnection::read_line(Deadline until) {
    constexpr std::string_view end = "\r\n";
    std::size_t at = 0;
    while ((at = received_.find(end)) == std::string::npos) {
        if (received_.size() > kMaxDbusAuthBytes) {
            throw Error(ErrorKind::format, "the bus does not speak D-Bus: a line of its has no end");
        }
        if (!receive_some(until)) no_answer(patience_);
    }
    std::string line = received_.substr(0, at);
    received_.erase(0, at + end.size());
    return line;
}

void DbusConnection::authenticate() {
    // No id is claimed: the bus takes the one that the kernel vouches for, which is another number than ours where a
    // user namespace is between. "Authentication Protocol", "EXTERNAL".
    const Deadline until = deadline();
    send({"\0AUTH EXTERNAL\r\n", 16}, until);
    std::string answer = read_line(until);
    if (answer == "DATA") {
        send("DATA\r\n", until);
        answer = read_line(until);
    }
    if (!answer.starts_with("OK ")) throw Error(ErrorKind::system, "the bus does not take us: " + quote(answer));
    send("BEGIN\r\n", until);
}

std::optional<DbusMessage> DbusConnection::next_message(Deadline until) {
    for (;;) {
        // Also of one who never pauses: what is there already is not looked at for ever.
        if (Clock::now() >= until) return std::nullopt;
        if (received_.size() >= kDbusStartBytes) {
            const std::size_t size = dbus_message_size(received_);
            if (received_.size() >= size) {
                DbusMessage message = parse_dbus_message(std::string_view(received_).substr(0, size));
                received_.erase(0, size);
                return message;
            }
        }
        if (!receive_some(until)) return std::nullopt;
    }
}

DbusMessage DbusConnection::call(const DbusCall& call) {
    const Deadline until = deadline();
    const std::uint32_t serial = ++last_serial_;
    send(write_dbus_call(call, serial), until);
    while (auto message = next_message(until)) {
        const bool answers = message->type == DbusMessageType::reply || message->type == DbusMessageType::error;
        if (answers && message->reply_serial == serial) return std::move(*message);
        if (message->type != DbusMessageType::signal) continue;
        if (signals_.size() == kMaxDbusSignals) signals_.pop_front();
        signals_.push_back(std::move(*message));
    }
    no_answer(patience_);
}

std::optional<DbusMessage> DbusConnection::next_signal(Deadline until) {
    if (!signals_.empty()) {
        DbusMessage first = std::move(signals_.front());
        signals_.pop_front();
        return first;
    }
    while (auto message = next_message(until)) {
        if (message->type == DbusMessageType::signal) return message;
    }
    return std::nullopt;
}

std::string dbus_error_text(const DbusMessage& error) {
    std::string text;
    if (error.signature.starts_with('s')) text = DbusReader(error).text();
    const std::string name = escaped(error.error_name);
    return text.empty() ? name : escaped(text) + " (" + name + ")";
}

}  // namespace smith::runtime
