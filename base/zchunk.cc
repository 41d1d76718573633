// SPDX-License-Identifier: Apache-2.0
#include "base/zchunk.h"

#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/bounds.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/handle.h"

namespace smith {

namespace {

constexpr std::string_view kMagic{"\0ZCK1", 5};
// A part is held in memory, as it is stored and opened. createrepo_c has one for each package: of file lists, the
// largest known have some MiB.
constexpr std::uint64_t kMaxPartBytes = 64 * limits::kMiB;
// A dictionary is trained on some hundred KiB; zstd's own tools make none over 112 KiB unless told to.
constexpr std::uint64_t kMaxDictionaryBytes = 4 * limits::kMiB;
constexpr std::uint64_t kMaxFileBytes = limits::kMaxMetadataDownloadBytes;
constexpr std::uint64_t kZstd = 2;

Error wrong(const std::string& what) { return {ErrorKind::format, "zchunk: " + what}; }

/// Takes bytes from the front, and never more than there are.
class Cursor {
public:
    explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

    std::string_view take(std::uint64_t count) {
        if (count > bytes_.size()) throw wrong("its header is cut short");
        const std::string_view out = bytes_.substr(0, static_cast<std::size_t>(count));
        bytes_.remove_prefix(static_cast<std::size_t>(count));
        return out;
    }

    /// Seven bits a byte, the lowest first; the last byte has its highest bit set.
    std::uint64_t number() {
        std::uint64_t out = 0;
        for (unsigned shift = 0; shift < 63; shift += 7) {
            const auto byte = static_cast<unsigned char>(take(1).front());
            out |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
            if ((byte & 0x80U) != 0) return out;
        }
        throw wrong("a number in its header does not end");
    }

    [[nodiscard]] std::size_t left() const { return bytes_.size(); }

private:
    std::string_view bytes_;
};

struct Algorithm {
    std::string_view name;
    std::size_t bytes;
};

Algorithm algorithm_of(std::uint64_t type) {
    constexpr std::array<Algorithm, 4> known{{{"sha1", 20}, {"sha256", 32}, {"sha512", 64}, {"sha512/128", 16}}};
    if (type >= known.size()) throw wrong("its checksums are of an unknown type " + std::to_string(type));
    return known[static_cast<std::size_t>(type)];
}

std::string digest_of(std::string_view algorithm, std::span<const std::string_view> pieces, std::size_t bytes) {
    Hasher hasher(algorithm.substr(0, algorithm.find('/')));
    for (const std::string_view piece : pieces) hasher.update(piece);
    const std::string hex = hasher.finish_hex();
    const auto nibble = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    std::string out;
    for (std::size_t i = 0; i < bytes; ++i) {
        out += static_cast<char>(nibble(hex[2 * i]) * 16U + nibble(hex[2 * i + 1]));
    }
    return out;
}

/// What stands before the part of the header that its checksum does not leave out.
struct Lead {
    Algorithm algorithm;
    std::string_view digest;
    std::uint64_t rest = 0;  ///< of the header, behind the lead
    std::size_t size = 0;
    std::string_view before;  ///< the lead itself, less its digest: two pieces
    std::string_view after;
};

Lead parse_lead(std::string_view bytes) {
    Cursor in(bytes);
    if (in.take(kMagic.size()) != kMagic) throw wrong("it does not begin as one");
    Lead out;
    out.algorithm = algorithm_of(in.number());
    const std::size_t digest_at = bytes.size() - in.left();
    // The document has these two the other way round; libzck does not.
    out.rest = in.number();
    const std::size_t size_end = bytes.size() - in.left();
    out.digest = in.take(out.algorithm.bytes);
    out.size = bytes.size() - in.left();
    out.before = bytes.substr(0, digest_at);
    out.after = bytes.substr(digest_at, size_end - digest_at);
    if (out.rest > kMaxZchunkHeaderBytes - out.size) {
        throw wrong("its header is said to have " + std::to_string(out.rest) + " bytes");
    }
    return out;
}

ZchunkPart parse_part(Cursor& in, std::size_t digest_bytes, bool is_dictionary) {
    ZchunkPart out;
    out.digest = in.take(digest_bytes);
    out.size = in.number();
    out.opened_size = in.number();
    const std::uint64_t most = is_dictionary ? kMaxDictionaryBytes : kMaxPartBytes;
    if (out.size > most || out.opened_size > most) {
        throw wrong("a chunk is said to have " + std::to_string(std::max(out.size, out.opened_size)) + " bytes");
    }
    if ((out.size == 0) != (out.opened_size == 0)) throw wrong("a chunk of no bytes has some");
    return out;
}

void parse_index(Cursor in, ZchunkHeader& out) {
    const Algorithm algorithm = algorithm_of(in.number());
    out.part_algorithm = algorithm.name;
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i < count; ++i) {
        ZchunkPart part = parse_part(in, algorithm.bytes, i == 0);
        part.offset = out.file_size;
        if (part.size > kMaxFileBytes - out.file_size) throw wrong("its chunks are said to be without end");
        out.file_size += part.size;
        if (!out.is_zstd && part.size != part.opened_size) throw wrong("a chunk that is stored has two lengths");
        out.parts.push_back(std::move(part));
    }
    if (in.left() != 0) throw wrong("something stands behind its index");
}

std::string read_at(int fd, std::uint64_t offset, std::uint64_t size) {
    std::string out(static_cast<std::size_t>(size), '\0');
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw system_error(errno, "reading a zchunk file");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    out.resize(done);
    return out;
}

ZchunkHeader read_header(int fd) {
    constexpr std::uint64_t longest_lead = 5 + 10 + 10 + 64;
    const std::string start = read_at(fd, 0, longest_lead);
    const Lead lead = parse_lead(start);
    // Memory for what there is, not for what is claimed.
    const off_t there = ::lseek(fd, 0, SEEK_END);
    if (there < 0) throw system_error(errno, "reading a zchunk file");
    if (lead.size + lead.rest > static_cast<std::uint64_t>(there)) throw wrong("its header is cut short");
    ZchunkHeader out = parse_zchunk_header(read_at(fd, 0, lead.size + lead.rest));
    if (out.file_size != static_cast<std::uint64_t>(there)) {
        throw wrong("it has " + std::to_string(there) + " bytes, and its header knows of " +
                    std::to_string(out.file_size));
    }
    return out;
}

}  // namespace

bool is_zchunk(std::span<const std::byte> first_bytes) {
    return first_bytes.size() >= kMagic.size() &&
           std::equal(kMagic.begin(), kMagic.end(), first_bytes.begin(),
                      [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

ZchunkHeader parse_zchunk_header(std::string_view bytes) {
    const Lead lead = parse_lead(bytes);
    Cursor in(bytes.substr(lead.size));
    const std::string_view body = in.take(lead.rest);
    const std::array<std::string_view, 3> signed_pieces{lead.before, lead.after, body};
    if (digest_of(lead.algorithm.name, signed_pieces, lead.algorithm.bytes) != lead.digest) {
        throw wrong("its header does not match its checksum");
    }
    in = Cursor(body);
    // Of all parts together. Each has its own, and whoever fetched the file had one of the whole.
    static_cast<void>(in.take(lead.algorithm.bytes));
    // The document has 32 bits here; libzck, which writes all these files, has a number.
    if (in.number() != 0) throw wrong("it has options that are not known here");
    ZchunkHeader out;
    const std::uint64_t compression = in.number();
    if (compression != 0 && compression != kZstd) throw wrong("it is compressed in an unknown way");
    out.is_zstd = compression == kZstd;
    out.size = lead.size + lead.rest;
    out.file_size = out.size;
    const std::uint64_t index_size = in.number();
    parse_index(Cursor(in.take(index_size)), out);
    if (out.parts.empty()) throw wrong("it has no chunks");
    if (in.number() != 0 || in.left() != 0) throw wrong("it has signatures, which are not known here");
    return out;
}

bool is_part(const ZchunkHeader& header, const ZchunkPart& part, std::string_view bytes) {
    if (part.size == 0) return bytes.empty();
    const std::array<std::string_view, 1> pieces{bytes};
    return bytes.size() == part.size && digest_of(header.part_algorithm, pieces, part.digest.size()) == part.digest;
}

struct ZchunkReader::State {
    explicit State(int from) : fd(from), header(read_header(from)) {
        context.reset(ZSTD_createDCtx());
        if (!context) throw Error(ErrorKind::system, "libzstd: out of memory");
        const std::string bytes = open_part(header.parts.front());
        if (bytes.empty() || !header.is_zstd) return;
        dictionary.reset(ZSTD_createDDict(bytes.data(), bytes.size()));
        if (!dictionary) throw wrong("its dictionary is none");
    }

    std::string open_part(const ZchunkPart& part) {
        std::string stored = read_at(fd, part.offset, part.size);
        if (!is_part(header, part, stored)) throw wrong("a chunk does not match its checksum");
        if (!header.is_zstd || part.size == 0) return stored;
        std::string out(static_cast<std::size_t>(part.opened_size), '\0');
        // All at once into memory of the right size: a frame's own idea of its window or content asks for no more.
        const std::size_t got =
            dictionary ? ZSTD_decompress_usingDDict(context.get(), out.data(), out.size(), stored.data(), stored.size(),
                                                    dictionary.get())
                       : ZSTD_decompressDCtx(context.get(), out.data(), out.size(), stored.data(), stored.size());
        if (ZSTD_isError(got) != 0) throw wrong(std::string("a chunk is damaged: ") + ZSTD_getErrorName(got));
        if (got != out.size()) throw wrong("a chunk has another length than its header says");
        return out;
    }

    int fd;
    ZchunkHeader header;
    std::unique_ptr<ZSTD_DCtx, FreeWith<ZSTD_freeDCtx>> context;
    std::unique_ptr<ZSTD_DDict, FreeWith<ZSTD_freeDDict>> dictionary;
    std::size_t next = 1;
    std::string opened;
    std::size_t given = 0;  ///< of `opened`
};

ZchunkReader::ZchunkReader(int fd) : state_(std::make_unique<State>(fd)) {}
ZchunkReader::ZchunkReader(ZchunkReader&&) noexcept = default;
ZchunkReader& ZchunkReader::operator=(ZchunkReader&&) noexcept = default;
ZchunkReader::~ZchunkReader() = default;

std::size_t ZchunkReader::read(std::span<std::byte> buffer) {
    State& state = *state_;
    while (state.given == state.opened.size()) {
        if (state.next == state.header.parts.size()) return 0;
        state.opened = state.open_part(state.header.parts[state.next++]);
        state.given = 0;
    }
    const std::size_t count = std::min(buffer.size(), state.opened.size() - state.given);
    const auto from = std::as_bytes(std::span(state.opened)).subspan(state.given, count);
    std::copy(from.begin(), from.end(), buffer.begin());
    state.given += count;
    return count;
}

}  // namespace smith
