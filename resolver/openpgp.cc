// SPDX-License-Identifier: Apache-2.0
#include "resolver/openpgp.h"

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "base/error.h"

namespace smith::resolver {

namespace {

// RFC 4880, 4.3
constexpr unsigned kSignaturePacket = 2;
constexpr unsigned kPublicKeyPacket = 6;
constexpr unsigned kPublicSubkeyPacket = 14;
// RFC 4880, 5.2.1
constexpr unsigned kFirstCertification = 0x10;
constexpr unsigned kLastCertification = 0x13;
constexpr unsigned kSubkeyBinding = 0x18;
constexpr unsigned kDirectKey = 0x1f;
constexpr unsigned kKeyRevocation = 0x20;
constexpr unsigned kSubkeyRevocation = 0x28;
// RFC 4880, 5.2.3.1
constexpr unsigned kCreationTime = 2;
constexpr unsigned kKeyExpirationTime = 9;
constexpr unsigned kIssuer = 16;
constexpr unsigned kIssuerFingerprint = 33;

/// Reads numbers off the front of bytes. Every access is checked against what is left.
class Cursor {
public:
    explicit Cursor(std::span<const std::byte> bytes) : left_(bytes) {}

    [[nodiscard]] bool empty() const { return left_.empty(); }
    [[nodiscard]] std::size_t size() const { return left_.size(); }

    std::span<const std::byte> take(std::size_t count) {
        if (count > left_.size()) throw Error(ErrorKind::format, "an OpenPGP packet is cut short");
        const auto out = left_.first(count);
        left_ = left_.subspan(count);
        return out;
    }
    unsigned octet() { return std::to_integer<unsigned>(take(1)[0]); }
    std::uint32_t number(std::size_t octets) {
        std::uint32_t out = 0;
        for (const std::byte byte : take(octets)) out = out << 8U | std::to_integer<std::uint32_t>(byte);
        return out;
    }

private:
    std::span<const std::byte> left_;
};

struct Packet {
    unsigned tag = 0;
    std::span<const std::byte> body;
};

/// RFC 4880, 4.2. Partial and indeterminate lengths are for data, not for keys.
Packet next_packet(Cursor& cursor) {
    const unsigned head = cursor.octet();
    if ((head & 0x80U) == 0) throw Error(ErrorKind::format, "these are not OpenPGP packets");
    if ((head & 0x40U) == 0) {
        const unsigned length_type = head & 3U;
        if (length_type == 3) throw Error(ErrorKind::format, "an OpenPGP packet of indeterminate length");
        return {(head >> 2U) & 0xfU, cursor.take(cursor.number(std::size_t{1} << length_type))};
    }
    const unsigned first = cursor.octet();
    std::size_t length = first;
    if (first >= 224 && first < 255) throw Error(ErrorKind::format, "an OpenPGP packet of partial length");
    if (first == 255) {
        length = cursor.number(4);
    } else if (first >= 192) {
        length = ((first - 192) << 8U) + cursor.octet() + 192;
    }
    return {head & 0x3fU, cursor.take(length)};
}

std::string key_id_of(std::span<const std::byte> body) {
    // RFC 4880, 12.2: the fingerprint of a version 4 key is SHA-1 over 0x99, two octets of length, and the packet; its
    // id is the fingerprint's end. Nothing rests on SHA-1 here: librpm finds its keys by this id too.
    Hasher hasher("sha1");
    const std::array<std::byte, 3> head{std::byte{0x99}, static_cast<std::byte>(body.size() >> 8U),
                                        static_cast<std::byte>(body.size() & 0xffU)};
    hasher.update(head);
    hasher.update(body);
    return hasher.finish_hex().substr(24);
}

OpenPgpKey read_key(std::span<const std::byte> body) {
    Cursor cursor(body);
    const unsigned version = cursor.octet();
    if (version != 4) {
        throw Error(ErrorKind::format,
                    "an OpenPGP key of version " + std::to_string(version) + "; only 4 is supported");
    }
    OpenPgpKey key;
    key.created = cursor.number(4);
    key.id = key_id_of(body);
    return key;
}

/// What a signature on a key says about it.
struct KeySignature {
    unsigned type = 0;
    std::uint32_t created = 0;
    std::optional<std::uint32_t> key_lifetime_s;
    std::string issuer;
};

std::string hex_of(std::span<const std::byte> bytes) {
    std::vector<std::uint8_t> plain;
    for (const std::byte byte : bytes) plain.push_back(std::to_integer<std::uint8_t>(byte));
    return to_hex(plain);
}

void read_subpackets(std::span<const std::byte> bytes, bool hashed, KeySignature& out) {
    Cursor cursor(bytes);
    while (!cursor.empty()) {
        const unsigned first = cursor.octet();
        std::size_t length = first;
        if (first == 255) {
            length = cursor.number(4);
        } else if (first >= 192) {
            length = ((first - 192) << 8U) + cursor.octet() + 192;
        }
        Cursor body(cursor.take(length));
        if (body.empty()) continue;
        const unsigned type = body.octet() & 0x7fU;  // without the "critical" bit
        // Times count only where the signature covers them.
        if (hashed && type == kCreationTime) out.created = body.number(4);
        if (hashed && type == kKeyExpirationTime) out.key_lifetime_s = body.number(4);
        if (type == kIssuer) out.issuer = hex_of(body.take(8));
        if (type == kIssuerFingerprint && body.size() == 21) out.issuer = hex_of(body.take(21).last(8));
    }
}

std::optional<KeySignature> read_key_signature(std::span<const std::byte> body) {
    Cursor cursor(body);
    if (cursor.octet() != 4) return std::nullopt;  // version 3 knows no key expiry
    KeySignature out;
    out.type = cursor.octet();
    static_cast<void>(cursor.take(2));  // algorithms
    read_subpackets(cursor.take(cursor.number(2)), true, out);
    read_subpackets(cursor.take(cursor.number(2)), false, out);
    return out;
}

/// One certificate while its packets come by.
class CertificateReader {
public:
    CertificateReader(std::size_t start, OpenPgpKey primary) : start_(start) {
        keys_.push_back({std::move(primary), 0});
    }

    void add_subkey(OpenPgpKey key) { keys_.push_back({std::move(key), 0}); }

    void add_signature(const KeySignature& signature) {
        const bool by_primary = signature.issuer == keys_.front().key.id;
        const bool certifies = (signature.type >= kFirstCertification && signature.type <= kLastCertification) ||
                               signature.type == kDirectKey;
        // A certification by somebody else says nothing about the key's lifetime.
        if (certifies && by_primary) set_lifetime(keys_.front(), signature);
        if (signature.type == kSubkeyBinding && by_primary && keys_.size() > 1) set_lifetime(keys_.back(), signature);
        if (signature.type == kKeyRevocation) keys_.front().key.revoked = true;
        if (signature.type == kSubkeyRevocation && keys_.size() > 1) keys_.back().key.revoked = true;
    }

    OpenPgpCertificate finish(std::span<const std::byte> all, std::size_t end) {
        OpenPgpCertificate out;
        out.packets = all.subspan(start_, end - start_);
        const OpenPgpKey& primary = keys_.front().key;
        for (Held& held : keys_) {
            OpenPgpKey key = held.key;
            key.revoked = key.revoked || primary.revoked;
            if (primary.expires) key.expires = std::min(key.expires.value_or(*primary.expires), *primary.expires);
            out.keys.push_back(std::move(key));
        }
        return out;
    }

private:
    struct Held {
        OpenPgpKey key;
        std::uint32_t latest;  // the creation time of the signature that its lifetime is from
    };

    /// The latest signature counts: that is how a lifetime is made longer, or shorter.
    static void set_lifetime(Held& held, const KeySignature& signature) {
        if (signature.created < held.latest) return;
        held.latest = signature.created;
        held.key.expires.reset();
        if (signature.key_lifetime_s.value_or(0) != 0) {
            const std::uint64_t expires = std::uint64_t{held.key.created} + *signature.key_lifetime_s;
            if (expires <= UINT32_MAX) held.key.expires = static_cast<std::uint32_t>(expires);
        }
    }

    std::size_t start_;
    std::vector<Held> keys_;
};

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

/// RFC 4880, 6.3: lines of base 64. The checksum line in the end ("=abcd") is for transport errors, which a signature
/// finds as well.
std::vector<std::byte> decode_base64(std::string_view text) {
    std::vector<std::byte> out;
    unsigned bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
        if (c == '=') break;
        const int value = base64_value(c);
        if (value < 0) throw Error(ErrorKind::format, "the ASCII armor is damaged");
        bits = (bits << 6U | static_cast<unsigned>(value)) & 0xffffffU;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out.push_back(static_cast<std::byte>(bits >> count & 0xffU));
        }
    }
    return out;
}

/// Cuts the lines up to and including the first empty one: "Version: ..." and the like.
std::string_view after_armor_headers(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) return text;
    }
    throw Error(ErrorKind::format, "the ASCII armor has no empty line after its headers");
}

}  // namespace

std::vector<std::vector<std::byte>> dearmor(std::string_view text, std::string_view kind) {
    // RFC 4880, 4.2: a packet's first bit is set, which no ASCII has.
    if (!text.empty() && (static_cast<unsigned char>(text.front()) & 0x80U) != 0) {
        const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
        return {{bytes.begin(), bytes.end()}};
    }
    const std::string begin = "-----BEGIN PGP " + std::string(kind) + "-----";
    const std::string end = "-----END PGP " + std::string(kind) + "-----";
    std::vector<std::vector<std::byte>> out;
    for (std::size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at)) {
        at = std::min(text.find('\n', at), text.size());
        const std::size_t stop = text.find(end, at);
        if (stop == std::string_view::npos) throw Error(ErrorKind::format, "the ASCII armor has no end");
        std::string_view block = text.substr(at, stop - at);
        block.remove_prefix(std::min<std::size_t>(1, block.size()));
        out.push_back(decode_base64(after_armor_headers(block)));
        at = stop;
    }
    return out;
}

std::vector<OpenPgpCertificate> read_certificates(std::span<const std::byte> packets) {
    std::vector<OpenPgpCertificate> out;
    std::optional<CertificateReader> current;
    Cursor cursor(packets);
    while (!cursor.empty()) {
        const std::size_t start = packets.size() - cursor.size();
        const Packet packet = next_packet(cursor);
        if (packet.tag == kPublicKeyPacket) {
            if (current) out.push_back(current->finish(packets, start));
            current.emplace(start, read_key(packet.body));
        } else if (!current) {
            throw Error(ErrorKind::format, "the OpenPGP packets do not begin with a public key");
        } else if (packet.tag == kPublicSubkeyPacket) {
            current->add_subkey(read_key(packet.body));
        } else if (packet.tag == kSignaturePacket) {
            if (const auto signature = read_key_signature(packet.body)) current->add_signature(*signature);
        }
    }
    if (current) out.push_back(current->finish(packets, packets.size()));
    return out;
}

}  // namespace smith::resolver
