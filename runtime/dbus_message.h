// SPDX-License-Identifier: Apache-2.0
//
// Messages of D-Bus as bytes, as far as a conversation with systemd takes them: method calls are written, replies,
// errors and signals are read. What is read comes from a program that we do not know: every length is held against
// what is there. D-Bus Specification, "Message Protocol"; docs/decisions/systemd-over-dbus.md says why it is ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bounds.h"

namespace smith::runtime {

// The specification has 128 MiB. What systemd and the bus have to tell us takes some hundred bytes.
inline constexpr std::size_t kMaxDbusMessageBytes = 1 * limits::kMiB;
// The specification's own: 32 arrays in each other, and 32 structures.
inline constexpr int kMaxDbusDepth = 64;
// The fixed part of a message, by which its length is known.
inline constexpr std::size_t kDbusStartBytes = 16;

/// What the properties of systemd's units are made of. A string is of type "s".
using DbusValue = std::variant<bool, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, double, std::string,
                               std::vector<std::string>, std::vector<std::uint8_t>, std::vector<std::uint32_t>,
                               std::vector<std::pair<std::string, std::string>>>;

/// One entry of an a(sv).
struct DbusProperty {
    std::string name;
    DbusValue value;
    bool operator==(const DbusProperty&) const = default;
};

/// The body of a message that is to be sent: each call appends one value, and the type of it to the signature.
class DbusBody {
public:
    DbusBody& add(const std::string& text);
    DbusBody& add(bool value);
    DbusBody& add(const std::vector<std::uint32_t>& numbers);
    DbusBody& add(const std::vector<DbusProperty>& properties);
    /// An empty a(sa(sv)): the auxiliary units of StartTransientUnit, of which we have none.
    DbusBody& no_units();

    [[nodiscard]] const std::string& signature() const noexcept { return signature_; }
    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

private:
    std::string signature_;
    std::string bytes_;
};

struct DbusCall {
    std::string destination;
    std::string path;
    std::string interface;
    std::string member;
    DbusBody body;
};

/// A METHOD_CALL, in little endian. `serial` is not 0. Does not start the program that it is for.
[[nodiscard]] std::string write_dbus_call(const DbusCall& call, std::uint32_t serial);

enum class DbusMessageType : std::uint8_t { call = 1, reply = 2, error = 3, signal = 4 };

struct DbusMessage {
    DbusMessageType type = DbusMessageType::call;
    bool big_endian = false;
    std::uint32_t serial = 0;
    std::uint32_t reply_serial = 0;  ///< 0: it is no reply
    std::string path;
    std::string interface;
    std::string member;
    std::string error_name;
    std::string sender;  ///< written by the bus itself: nobody can pretend to be somebody else
    std::string signature;
    std::string body;
};

/// How long the message is that begins with `start`, kDbusStartBytes of it. Throws Error (format): not a message, or
/// longer than kMaxDbusMessageBytes.
[[nodiscard]] std::size_t dbus_message_size(std::string_view start);

/// `bytes` are one message, neither more nor less. Throws Error (format).
[[nodiscard]] DbusMessage parse_dbus_message(std::string_view bytes);

/// Reads the values of a body, or of a header, one after the other. Throws Error (format) where they do not follow the
/// rules or end early.
class DbusReader {
public:
    DbusReader(std::string_view bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}
    explicit DbusReader(const DbusMessage& message) : DbusReader(message.body, message.big_endian) {}

    [[nodiscard]] std::uint8_t byte();
    [[nodiscard]] std::uint32_t number();
    /// Of type "s" or "o".
    [[nodiscard]] std::string text();
    /// Of type "g".
    [[nodiscard]] std::string signature();
    /// Passes over one value of each type in `signature`.
    void skip(std::string_view signature, int depth = 0);
    void align(std::size_t boundary);
    [[nodiscard]] std::size_t position() const noexcept { return at_; }
    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }

private:
    std::string_view take(std::size_t size);
    std::string terminated(std::size_t size);
    void skip_one(std::string_view type, int depth);

    std::string_view bytes_;
    bool big_endian_;
    std::size_t at_ = 0;
};

}  // namespace smith::runtime
