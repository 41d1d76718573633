// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/layer_record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <span>

#include "base/atomic_file.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "ocilayout/bounds.h"
#include "ocilayout/whiteout.h"

namespace smith::ocilayout {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "smithly1";
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kBufferBytes = std::size_t{64} * 1024;
// Magic, diff_id, and the number of entries as eight bytes, which is known last.
constexpr std::size_t kHeadBytes = kMagic.size() + kDigestBytes + 8;
// A name and a link of the longest pax header, and then some.
constexpr std::uint64_t kMaxTextBytes = limits::kMaxPaxBytes;

enum Flag : unsigned { kExecutable = 1, kSetId = 2, kCapabilities = 4 };

fs::path record_path(const ContentStore& store, const Digest& blob) {
    return store.directory() / "packs" / (blob.hex() + ".layer");
}

void append_number(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out += static_cast<char>(0x80U | (value & 0x7fU));
    out += static_cast<char>(value);
}

void append_text(std::string& out, std::string_view text) {
    append_number(out, text.size());
    out += text;
}

void append_digest(std::string& out, const Digest& digest) {
    out.append(reinterpret_cast<const char*>(digest.bytes.data()), kDigestBytes);
}

std::string head_of(const Digest& diff_id, std::uint64_t entries) {
    std::string out(kMagic);
    append_digest(out, diff_id);
    for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>((entries >> shift) & 0xffU);
    return out;
}

[[noreturn]] void damaged() { throw Error(ErrorKind::format, "damaged record of a layer"); }

/// A file from `at` on, a buffer at a time.
class FileReader {
public:
    FileReader(SharedFd fd, std::uint64_t at, std::uint64_t end) : source_(file_source(std::move(fd), at, end - at)) {}

    void read(std::span<std::byte> out) {
        while (!out.empty()) {
            if (at_ == have_) {
                at_ = 0;
                have_ = source_->read(buffer_);
                if (have_ == 0) damaged();
            }
            const std::size_t take = std::min(out.size(), have_ - at_);
            std::memcpy(out.data(), buffer_.data() + at_, take);
            at_ += take;
            out = out.subspan(take);
        }
    }
    std::uint8_t byte() {
        std::array<std::byte, 1> one{};
        read(one);
        return std::to_integer<std::uint8_t>(one[0]);
    }
    std::uint64_t number() {
        std::uint64_t out = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t next = byte();
            out |= static_cast<std::uint64_t>(next & 0x7fU) << shift;
            if (next < 0x80) return out;
        }
        damaged();
    }
    std::string text() {
        const std::uint64_t size = number();
        if (size > kMaxTextBytes) damaged();
        std::string out(static_cast<std::size_t>(size), '\0');
        read(std::as_writable_bytes(std::span(out)));
        return out;
    }
    Digest digest() {
        Digest out;
        read(std::as_writable_bytes(std::span(out.bytes)));
        return out;
    }

private:
    std::unique_ptr<ByteSource> source_;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(kBufferBytes);
    std::size_t at_ = 0;
    std::size_t have_ = 0;
};

bool is_whiteout(std::string_view name) {
    const std::size_t end = name.find_last_not_of('/');
    const std::string_view path = end == std::string_view::npos ? std::string_view() : name.substr(0, end + 1);
    return path.substr(path.rfind('/') + 1).starts_with(kWhiteout);
}

Content pack_content(TarReader& tar, PackWriter& pack, std::span<std::byte> buffer) {
    try {
        while (const std::size_t got = tar.read(buffer)) pack.write(buffer.first(got));
    } catch (...) {
        pack.abandon_content();
        throw;
    }
    return pack.end_content();
}

Content hash_content(TarReader& tar, std::span<std::byte> buffer) {
    Hasher hasher;
    Content out;
    while (const std::size_t got = tar.read(buffer)) {
        hasher.update(buffer.first(got));
        out.size += got;
    }
    out.digest = hasher.finish();
    return out;
}

}  // namespace

LayerEntry read_layer_entry(TarReader& tar, const TarEntry& entry, PackWriter* pack, std::span<std::byte> buffer) {
    LayerEntry out;
    out.name = entry.name;
    out.kind = entry.kind;
    out.link = entry.link;
    out.executable = (entry.mode & 0111U) != 0;
    out.set_id = entry.kind == TarKind::regular && (entry.mode & 06000U) != 0;
    out.has_capabilities = std::ranges::find(entry.xattrs, "security.capability") != entry.xattrs.end();
    out.uid = entry.uid;
    out.gid = entry.gid;
    if (entry.kind != TarKind::regular || is_whiteout(entry.name)) return out;
    out.content = pack == nullptr ? hash_content(tar, buffer) : pack_content(tar, *pack, buffer);
    return out;
}

// --- writing -------------------------------------------------------------------------------------------------------

struct LayerRecordWriter::State {
    State(const ContentStore& store, const Digest& blob) : file(record_path(store, blob)) {}

    AtomicFile file;
    std::string buffer;
    std::uint64_t entries = 0;

    void flush() {
        file.write(as_bytes(buffer));
        buffer.clear();
    }
};

LayerRecordWriter::LayerRecordWriter(const ContentStore& store, const Digest& blob) {
    make_cache_directory(store.directory() / "packs");
    state_ = std::make_unique<State>(store, blob);
    state_->buffer = head_of({}, 0);
}
LayerRecordWriter::~LayerRecordWriter() = default;

void LayerRecordWriter::add(const LayerEntry& entry) {
    std::string& out = state_->buffer;
    out += static_cast<char>(entry.kind);
    out += static_cast<char>((entry.executable ? kExecutable : 0U) | (entry.set_id ? kSetId : 0U) |
                             (entry.has_capabilities ? kCapabilities : 0U));
    append_text(out, entry.name);
    append_number(out, entry.uid);
    append_number(out, entry.gid);
    if (entry.kind == TarKind::symlink || entry.kind == TarKind::hard_link) append_text(out, entry.link);
    if (entry.kind == TarKind::regular) {
        append_digest(out, entry.content.digest);
        append_number(out, entry.content.size);
    }
    ++state_->entries;
    if (out.size() >= kBufferBytes) state_->flush();
}

SharedFd LayerRecordWriter::commit(const Digest& diff_id) {
    state_->flush();
    const int fd = state_->file.fd();
    const std::string head = head_of(diff_id, state_->entries);
    if (::pwrite(fd, head.data(), head.size(), 0) != static_cast<ssize_t>(head.size())) {
        throw system_error(errno, "writing the record of a layer");
    }
    const auto out = std::make_shared<const UniqueFd>(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    struct stat st {};
    if (!*out || ::fstat(fd, &st) != 0) throw system_error(errno, "writing the record of a layer");
    Hasher hasher;
    std::vector<std::byte> buffer(kBufferBytes);
    const std::unique_ptr<ByteSource> written = file_source(out, 0, static_cast<std::uint64_t>(st.st_size));
    while (const std::size_t got = written->read(buffer)) hasher.update(std::span(buffer).first(got));
    append_digest(state_->buffer, hasher.finish());
    state_->flush();
    static_cast<void>(state_->file.commit_unless_deleted());
    return out;
}

// --- reading -------------------------------------------------------------------------------------------------------

struct LayerRecordReader::State {
    State(SharedFd fd, std::uint64_t end, std::uint64_t count)
        : reader(std::move(fd), kHeadBytes, end), entries_left(count) {}

    FileReader reader;
    std::uint64_t entries_left;
};

LayerRecordReader::LayerRecordReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
LayerRecordReader::~LayerRecordReader() = default;

std::unique_ptr<LayerRecordReader> LayerRecordReader::open(const ContentStore& store, const Digest& blob,
                                                           const Digest& diff_id) {
    UniqueFd fd(::open(record_path(store, blob).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd) return nullptr;
    return from_fd(std::make_shared<const UniqueFd>(std::move(fd)), diff_id);
}

std::unique_ptr<LayerRecordReader> LayerRecordReader::from_fd(SharedFd fd, const Digest& diff_id) {
    struct stat st {};
    if (::fstat(fd->get(), &st) != 0 || !S_ISREG(st.st_mode)) return nullptr;
    const auto size = static_cast<std::uint64_t>(st.st_size);
    if (size < kHeadBytes + kDigestBytes) return nullptr;
    const std::uint64_t end = size - kDigestBytes;
    Hasher hasher;
    std::vector<std::byte> buffer(kBufferBytes);
    const std::unique_ptr<ByteSource> all = file_source(fd, 0, end);
    while (const std::size_t got = all->read(buffer)) hasher.update(std::span(buffer).first(got));
    if (FileReader(fd, end, size).digest() != hasher.finish()) return nullptr;

    FileReader head(fd, 0, kHeadBytes);
    std::array<std::byte, kMagic.size()> magic{};
    head.read(magic);
    if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0 || head.digest() != diff_id) return nullptr;
    std::uint64_t entries = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) entries |= static_cast<std::uint64_t>(head.byte()) << shift;
    return std::unique_ptr<LayerRecordReader>(
        new LayerRecordReader(std::make_unique<State>(std::move(fd), end, entries)));
}

bool LayerRecordReader::next(LayerEntry& entry) {
    if (state_->entries_left == 0) return false;
    --state_->entries_left;
    FileReader& in = state_->reader;
    entry = {};
    const unsigned kind = in.byte();
    if (kind > static_cast<unsigned>(TarKind::fifo)) damaged();
    entry.kind = static_cast<TarKind>(kind);
    const unsigned flags = in.byte();
    entry.executable = (flags & kExecutable) != 0;
    entry.set_id = (flags & kSetId) != 0;
    entry.has_capabilities = (flags & kCapabilities) != 0;
    entry.name = in.text();
    entry.uid = in.number();
    entry.gid = in.number();
    if (entry.kind == TarKind::symlink || entry.kind == TarKind::hard_link) entry.link = in.text();
    if (entry.kind == TarKind::regular) {
        entry.content.digest = in.digest();
        entry.content.size = in.number();
    }
    return true;
}

}  // namespace smith::ocilayout
