// SPDX-License-Identifier: Apache-2.0
#include "runtime/dbus_message.h"

#include <bit>
#include <concepts>
#include <cstring>

#include "base/error.h"

namespace smith::runtime {

namespace {

constexpr std::uint8_t kProtocolVersion = 1;
constexpr std::uint8_t kNoAutoStart = 2;
// "Header Fields"
enum Field : std::uint8_t {
    kPath = 1,
    kInterface = 2,
    kMember = 3,
    kErrorName = 4,
    kReplySerial = 5,
    kDestination = 6,
    kSender = 7,
    kSignature = 8,
};

[[noreturn]] void malformed(const std::string& what) {
    throw Error(ErrorKind::format, "a message of D-Bus is malformed: " + what);
}

void pad(std::string& out, std::size_t boundary) {
    while (out.size() % boundary != 0) out += '\0';
}

/// Aligned to its own size, as all numbers are.
template <typename Number>
void put_number(std::string& out, Number value) {
    pad(out, sizeof value);
    for (unsigned shift = 0; shift < 8 * sizeof value; shift += 8) {
        out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift);
    }
}

void put_text(std::string& out, std::string_view text) {
    put_number(out, static_cast<std::uint32_t>(text.size()));
    out.append(text).append(1, '\0');
}

void put_signature(std::string& out, std::string_view signature) {
    out.append(1, static_cast<char>(signature.size())).append(signature).append(1, '\0');
}

/// The length in front of an array is that of its elements, without what aligns the first one.
template <typename Elements>
void put_array(std::string& out, std::size_t boundary, Elements&& elements) {
    put_number(out, std::uint32_t{0});
    const std::size_t length_at = out.size() - sizeof(std::uint32_t);
    pad(out, boundary);
    const std::size_t begin = out.size();
    elements();
    std::string length;
    put_number(length, static_cast<std::uint32_t>(out.size() - begin));
    out.replace(length_at, length.size(), length);
}

/// The type of each DbusValue, in the order of its alternatives.
constexpr const char* kValueSignatures[] = {"b", "i", "u", "x", "t", "d", "s", "as", "ay", "au", "a(ss)"};
static_assert(std::size(kValueSignatures) == std::variant_size_v<DbusValue>);

struct PutValue {
    std::string& out;
    void operator()(bool value) const { put_number(out, std::uint32_t{value}); }
    void operator()(std::integral auto value) const { put_number(out, value); }
    void operator()(double value) const { put_number(out, std::bit_cast<std::uint64_t>(value)); }
    void operator()(const std::string& text) const { put_text(out, text); }
    void operator()(const std::vector<std::string>& texts) const {
        put_array(out, 4, [&] {
            for (const std::string& text : texts) put_text(out, text);
        });
    }
    template <std::integral Number>
    void operator()(const std::vector<Number>& numbers) const {
        put_array(out, sizeof(Number), [&] {
            for (const Number number : numbers) put_number(out, number);
        });
    }
    void operator()(const std::vector<std::pair<std::string, std::string>>& pairs) const {
        put_array(out, 8, [&] {
            for (const auto& [first, second] : pairs) {
                pad(out, 8);
                put_text(out, first);
                put_text(out, second);
            }
        });
    }
};

void put_properties(std::string& out, const std::vector<DbusProperty>& properties) {
    put_array(out, 8, [&] {
        for (const DbusProperty& property : properties) {
            pad(out, 8);
            put_text(out, property.name);
            put_signature(out, kValueSignatures[property.value.index()]);
            std::visit(PutValue{out}, property.value);
        }
    });
}

void put_field(std::string& out, Field field, const char* type, std::string_view value) {
    pad(out, 8);
    out += static_cast<char>(field);
    put_signature(out, type);
    type[0] == 'g' ? put_signature(out, value) : put_text(out, value);
}

/// The number of characters of the first complete type in `signature`.
std::size_t type_length(std::string_view signature, int depth = 0) {
    if (signature.empty()) malformed("a type is missing");
    if (depth > kMaxDbusDepth) malformed("types are nested too deep");
    const char first = signature.front();
    if (first == 'a') return 1 + type_length(signature.substr(1), depth + 1);
    if (first != '(' && first != '{') return 1;
    const char last = first == '(' ? ')' : '}';
    std::size_t at = 1;
    while (at < signature.size() && signature[at] != last) at += type_length(signature.substr(at), depth + 1);
    if (at >= signature.size() || at == 1) malformed("a structure's type has no end, or nothing in it");
    return at + 1;
}

std::size_t boundary_of(char type) {
    switch (type) {
        case 'y':
        case 'g':
        case 'v': return 1;
        case 'n':
        case 'q': return 2;
        case 'x':
        case 't':
        case 'd':
        case '(':
        case '{': return 8;
        default: return 4;
    }
}

void read_field(DbusReader& reader, DbusMessage& out) {
    reader.align(8);
    const std::uint8_t field = reader.byte();
    const std::string type = reader.signature();
    if (type_length(type) != type.size()) malformed("a variant's type is not a single one");
    const auto text_of_type = [&](const char* wanted) {
        if (type != wanted) malformed("a header field is of type " + quote(type));
        return type == "g" ? reader.signature() : reader.text();
    };
    switch (field) {
        case kPath: out.path = text_of_type("o"); break;
        case kInterface: out.interface = text_of_type("s"); break;
        case kMember: out.member = text_of_type("s"); break;
        case kErrorName: out.error_name = text_of_type("s"); break;
        case kSender: out.sender = text_of_type("s"); break;
        case kSignature: out.signature = text_of_type("g"); break;
        case kReplySerial:
            if (type != "u") malformed("a header field is of type " + quote(type));
            out.reply_serial = reader.number();
            break;
        default: reader.skip(type); break;  // "must ignore"
    }
}

}  // namespace

DbusBody& DbusBody::add(const std::string& text) {
    signature_ += 's';
    put_text(bytes_, text);
    return *this;
}

DbusBody& DbusBody::add(bool value) {
    signature_ += 'b';
    PutValue{bytes_}(value);
    return *this;
}

DbusBody& DbusBody::add(const std::vector<std::uint32_t>& numbers) {
    signature_ += "au";
    PutValue{bytes_}(numbers);
    return *this;
}

DbusBody& DbusBody::add(const std::vector<DbusProperty>& properties) {
    signature_ += "a(sv)";
    put_properties(bytes_, properties);
    return *this;
}

DbusBody& DbusBody::no_units() {
    signature_ += "a(sa(sv))";
    put_array(bytes_, 8, [] {});
    return *this;
}

std::string write_dbus_call(const DbusCall& call, std::uint32_t serial) {
    std::string out = {'l', static_cast<char>(DbusMessageType::call), static_cast<char>(kNoAutoStart),
                       static_cast<char>(kProtocolVersion)};
    put_number(out, static_cast<std::uint32_t>(call.body.bytes().size()));
    put_number(out, serial);
    put_array(out, 8, [&] {
        put_field(out, kPath, "o", call.path);
        put_field(out, kInterface, "s", call.interface);
        put_field(out, kMember, "s", call.member);
        put_field(out, kDestination, "s", call.destination);
        if (!call.body.signature().empty()) put_field(out, kSignature, "g", call.body.signature());
    });
    pad(out, 8);
    return out + call.body.bytes();
}

std::size_t dbus_message_size(std::string_view start) {
    if (start.size() < kDbusStartBytes) malformed("it ends in its header");
    if (start[0] != 'l' && start[0] != 'B') malformed("it begins with " + quote(start.substr(0, 1)));
    DbusReader reader(start, start[0] == 'B');
    for (int i = 0; i < 3; ++i) static_cast<void>(reader.byte());
    if (const unsigned version = reader.byte(); version != kProtocolVersion) {
        malformed("it is of version " + std::to_string(version));
    }
    const std::uint64_t body = reader.number();
    if (reader.number() == 0) malformed("its serial is 0");
    const std::uint64_t fields = reader.number();
    const std::uint64_t size = kDbusStartBytes + (fields + 7) / 8 * 8 + body;
    if (size > kMaxDbusMessageBytes) {
        malformed("it has " + std::to_string(size) + " bytes, more than " + std::to_string(kMaxDbusMessageBytes));
    }
    return static_cast<std::size_t>(size);
}

DbusMessage parse_dbus_message(std::string_view bytes) {
    if (dbus_message_size(bytes) != bytes.size()) malformed("its length is not what it says");
    DbusMessage out;
    out.big_endian = bytes[0] == 'B';
    const auto type = static_cast<unsigned char>(bytes[1]);
    if (type == 0) malformed("its type is 0");
    out.type = static_cast<DbusMessageType>(type);
    DbusReader reader(bytes, out.big_endian);
    for (int i = 0; i < 4; ++i) static_cast<void>(reader.byte());
    static_cast<void>(reader.number());
    out.serial = reader.number();
    const std::uint32_t fields = reader.number();
    const std::size_t end = reader.position() + fields;
    while (reader.position() < end) read_field(reader, out);
    if (reader.position() != end) malformed("a header field leads past the header");
    reader.align(8);
    out.body = bytes.substr(reader.position());
    return out;
}

std::string_view DbusReader::take(std::size_t size) {
    if (size > left()) malformed("it ends in the middle of a value");
    const std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
}

void DbusReader::align(std::size_t boundary) {
    const std::size_t over = at_ % boundary;
    if (over == 0) return;
    for (const char byte : take(boundary - over)) {
        if (byte != '\0') malformed("what aligns a value is not zero");
    }
}

std::uint8_t DbusReader::byte() { return static_cast<std::uint8_t>(take(1).front()); }

std::uint32_t DbusReader::number() {
    align(4);
    std::uint32_t value = 0;
    const std::string_view raw = take(4);
    for (std::size_t i = 0; i < raw.size(); ++i) {
        value = value << 8 | static_cast<unsigned char>(raw[big_endian_ ? i : raw.size() - 1 - i]);
    }
    return value;
}

std::string DbusReader::terminated(std::size_t size) {
    std::string text(take(size));
    if (take(1).front() != '\0' || text.find('\0') != std::string::npos) malformed("a string does not end at its NUL");
    return text;
}

std::string DbusReader::text() { return terminated(number()); }
std::string DbusReader::signature() { return terminated(byte()); }

void DbusReader::skip(std::string_view signature, int depth) {
    while (!signature.empty()) {
        const std::size_t length = type_length(signature);
        skip_one(signature.substr(0, length), depth);
        signature.remove_prefix(length);
    }
}

void DbusReader::skip_one(std::string_view type, int depth) {
    if (depth > kMaxDbusDepth) malformed("values are nested too deep");
    switch (type.front()) {
        case 'y': static_cast<void>(byte()); break;
        case 'n':
        case 'q':
            align(2);
            static_cast<void>(take(2));
            break;
        case 'b':
        case 'i':
        case 'u':
        case 'h': static_cast<void>(number()); break;
        case 'x':
        case 't':
        case 'd':
            align(8);
            static_cast<void>(take(8));
            break;
        case 's':
        case 'o': static_cast<void>(text()); break;
        case 'g': static_cast<void>(signature()); break;
        case 'v': {
            const std::string inner = signature();
            if (type_length(inner) != inner.size()) malformed("a variant's type is not a single one");
            skip_one(inner, depth + 1);
            break;
        }
        case 'a': {
            const std::uint32_t size = number();
            align(boundary_of(type[1]));
            static_cast<void>(take(size));
            break;
        }
        case '(':
        case '{':
            align(8);
            skip(type.substr(1, type.size() - 2), depth + 1);
            break;
        default: malformed("a type is " + quote(type.substr(0, 1)));
    }
}

}  // namespace smith::runtime
