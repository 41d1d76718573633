// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/resolver/rpm_forge.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>

#include "base/digest.h"
#include "tests/unit/resolver/support.h"

namespace smith::test {

namespace {

constexpr std::size_t kLeadBytes = 96;
constexpr std::size_t kIntroBytes = 16;
constexpr std::size_t kEntryBytes = 16;
constexpr std::uint32_t kSignatureRegion = 62;
constexpr std::uint32_t kHeaderRegion = 63;

std::string big_endian(std::uint64_t value, std::size_t octets) {
    std::string out;
    for (std::size_t i = octets; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xffU);
    return out;
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
    std::uint32_t out = 0;
    for (const char c : bytes.substr(at, 4)) out = out << 8U | static_cast<unsigned char>(c);
    return out;
}

std::size_t width_of(std::uint32_t type) {
    constexpr std::array<std::size_t, 10> widths{1, 1, 1, 2, 4, 8, 1, 1, 1, 1};
    REQUIRE(type < widths.size());
    return widths.at(type);
}

std::size_t stored_size(std::string_view data, std::uint32_t type, std::uint32_t count) {
    const bool is_text = type == 6 || type == 8 || type == 9;
    if (!is_text) return count * width_of(type);
    std::size_t end = 0;
    for (std::uint32_t i = 0; i < count; ++i) end = data.find('\0', end) + 1;
    return end;
}

/// The tags of the header structure at the front of `bytes`, but for its region; `size` is what it takes.
std::vector<RpmTag> read_tags(std::string_view bytes, std::size_t& size) {
    const std::size_t count = number_at(bytes, 8);
    const std::string_view data = bytes.substr(kIntroBytes + count * kEntryBytes, number_at(bytes, 12));
    std::vector<RpmTag> out;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = kIntroBytes + i * kEntryBytes;
        RpmTag tag{number_at(bytes, at), static_cast<RpmType>(number_at(bytes, at + 4)), number_at(bytes, at + 12), ""};
        if (tag.tag == kSignatureRegion || tag.tag == kHeaderRegion) continue;
        const std::string_view value = data.substr(number_at(bytes, at + 8));
        tag.data = value.substr(0, stored_size(value, static_cast<std::uint32_t>(tag.type), tag.count));
        out.push_back(tag);
    }
    size = kIntroBytes + count * kEntryBytes + data.size();
    return out;
}

std::string index_entry(std::uint32_t tag, std::uint32_t type, std::size_t offset, std::uint32_t count) {
    return big_endian(tag, 4) + big_endian(type, 4) + big_endian(offset, 4) + big_endian(count, 4);
}

/// A header structure: `inside` its region, `outside` behind it.
std::string write_tags(std::uint32_t region, std::vector<RpmTag> inside, const std::vector<RpmTag>& outside) {
    std::stable_sort(inside.begin(), inside.end(), [](const auto& a, const auto& b) { return a.tag < b.tag; });
    std::string index;
    std::string data;
    const auto add = [&](const RpmTag& tag) {
        const auto type = static_cast<std::uint32_t>(tag.type);
        while (data.size() % width_of(type) != 0) data += '\0';
        index += index_entry(tag.tag, type, data.size(), tag.count);
        data += tag.data;
    };
    for (const RpmTag& tag : inside) add(tag);
    const std::size_t entries = inside.size() + 1;
    index.insert(0, index_entry(region, 7, data.size(), 16));
    // The trailer says, as a negative offset, how much of the index is in the region.
    data += index_entry(region, 7, static_cast<std::uint32_t>(-static_cast<std::int64_t>(entries * kEntryBytes)), 16);
    for (const RpmTag& tag : outside) add(tag);
    return std::string("\x8e\xad\xe8\x01\0\0\0\0", 8) + big_endian(entries + outside.size(), 4) +
           big_endian(data.size(), 4) + index + data;
}

}  // namespace

RpmTag string_tag(std::uint32_t tag, const std::string& value) { return {tag, RpmType::string, 1, value + '\0'}; }
RpmTag strings_tag(std::uint32_t tag, const std::vector<std::string>& values) {
    RpmTag out{tag, RpmType::string_array, static_cast<std::uint32_t>(values.size()), ""};
    for (const std::string& value : values) out.data += value + '\0';
    return out;
}
RpmTag number_tag(std::uint32_t tag, std::uint32_t value) { return {tag, RpmType::int32, 1, big_endian(value, 4)}; }
RpmTag binary_tag(std::uint32_t tag, const std::string& value) {
    return {tag, RpmType::binary, static_cast<std::uint32_t>(value.size()), value};
}

ForgedRpm::ForgedRpm(const std::filesystem::path& file) {
    const std::string bytes = read(file);
    lead = bytes.substr(0, kLeadBytes);
    std::size_t size = 0;
    signatures = read_tags(std::string_view(bytes).substr(kLeadBytes), size);
    const std::size_t start = kLeadBytes + (size + 7) / 8 * 8;
    header = read_tags(std::string_view(bytes).substr(start), size);
    payload = bytes.substr(start + size);
}

void ForgedRpm::set(const RpmTag& tag) {
    remove(tag.tag);
    header.push_back(tag);
}

void ForgedRpm::remove(std::uint32_t tag) {
    std::erase_if(header, [&](const RpmTag& one) { return one.tag == tag; });
}

void ForgedRpm::seal_payload() {
    remove(kTagPayloadDigestAlt);
    set(number_tag(kTagPayloadDigestAlgo, 8));
    set(strings_tag(kTagPayloadDigest, {sha256(payload).hex()}));
}

std::string ForgedRpm::header_bytes() const { return write_tags(kHeaderRegion, header, outside); }

void ForgedRpm::seal_header() { signatures = {string_tag(kTagSha256Header, sha256(header_bytes()).hex())}; }

void ForgedRpm::write(const std::filesystem::path& file) const {
    std::string bytes = lead + write_tags(kSignatureRegion, signatures, {});
    while (bytes.size() % 8 != 0) bytes += '\0';
    test::write(file, bytes + header_bytes() + payload);
}

std::string cpio(const std::vector<CpioEntry>& entries) {
    std::string out;
    const auto hex = [&](std::uint64_t value) {
        std::array<char, 9> text{};
        static_cast<void>(std::snprintf(text.data(), text.size(), "%08x", static_cast<unsigned>(value)));
        out += text.data();
    };
    const auto pad = [&] { out.resize((out.size() + 3) / 4 * 4, '\0'); };
    for (const CpioEntry& entry : entries) {
        out += "070701";
        for (const std::uint64_t field : {std::uint64_t{entry.inode}, std::uint64_t{entry.mode}, std::uint64_t{0},
                                          std::uint64_t{0}, std::uint64_t{entry.links}, std::uint64_t{0}}) {
            hex(field);
        }
        hex(entry.claimed_size == UINT64_MAX ? entry.bytes.size() : entry.claimed_size);
        for (int i = 0; i < 4; ++i) hex(0);  // device numbers
        hex(entry.claimed_name_size == UINT64_MAX ? entry.name.size() + 1 : entry.claimed_name_size);
        hex(0);  // checksum
        out += entry.name + '\0';
        pad();
        out += entry.bytes;
        pad();
    }
    return out;
}

std::string cpio_end() { return cpio({{.name = "TRAILER!!!", .mode = 0}}); }

}  // namespace smith::test
