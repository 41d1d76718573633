// SPDX-License-Identifier: Apache-2.0
#include "resolver/rpm_layout.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <vector>

#include "base/bounds.h"
#include "base/error.h"

namespace smith::resolver {

namespace {

constexpr std::uint64_t kLeadBytes = 96;
// Magic number and version, four reserved bytes, then two big-endian counts: of entries, and of bytes of data.
constexpr std::size_t kIntroBytes = 16;
constexpr std::uint64_t kEntryBytes = 16;
constexpr std::array<unsigned char, 4> kMagic = {0x8e, 0xad, 0xe8, 0x01};

void read_exactly(int fd, std::span<unsigned char> out, std::uint64_t offset) {
    for (std::size_t done = 0; done < out.size();) {
        const ssize_t got = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw system_error(errno, "reading a package");
        if (got == 0) throw Error(ErrorKind::integrity, "it ends before its header does");
        done += static_cast<std::size_t>(got);
    }
}

std::uint64_t big_endian(std::span<const unsigned char> bytes) {
    std::uint64_t out = 0;
    for (const unsigned char byte : bytes) out = out << 8 | byte;
    return out;
}

/// Bytes of the header structure that starts at `offset`.
std::uint64_t header_size(int fd, std::uint64_t offset) {
    std::array<unsigned char, kIntroBytes> intro{};
    read_exactly(fd, intro, offset);
    if (!std::equal(kMagic.begin(), kMagic.end(), intro.begin())) {
        throw Error(ErrorKind::integrity, "it has no header where a package has one");
    }
    const std::uint64_t entries = big_endian(std::span(intro).subspan(8, 4));
    const std::uint64_t data = big_endian(std::span(intro).subspan(12, 4));
    const std::uint64_t size = kIntroBytes + entries * kEntryBytes + data;
    if (size > limits::kMaxRpmHeaderBytes) throw Error(ErrorKind::integrity, "its header is larger than all bounds");
    return size;
}

}  // namespace

HeaderRange find_header(int fd) {
    constexpr std::uint64_t alignment = 8;
    const std::uint64_t signatures = header_size(fd, kLeadBytes);
    HeaderRange out;
    out.start = kLeadBytes + (signatures + alignment - 1) / alignment * alignment;
    out.end = out.start + header_size(fd, out.start);
    return out;
}

void read_range(int fd, std::uint64_t start, std::uint64_t end, const TakeBytes& take) {
    std::vector<unsigned char> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(64 * 1024, end - start)));
    for (std::uint64_t at = start; at < end;) {
        const auto part = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), end - at));
        read_exactly(fd, part, at);
        take(std::as_bytes(part));
        at += part.size();
    }
}

Digest digest_header(int fd, const HeaderRange& range) {
    Hasher hasher;
    read_range(fd, range.start, range.end, [&](std::span<const std::byte> part) { hasher.update(part); });
    return hasher.finish();
}

}  // namespace smith::resolver
