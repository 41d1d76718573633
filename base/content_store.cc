// SPDX-License-Identifier: Apache-2.0
#include "base/content_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "base/cache_directory.h"
#include "base/error.h"

namespace smith {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "smithpk1";
constexpr std::size_t kIndexEntryBytes = 32 + 8 + 8;
// Index offset, number of contents, digest of the index, magic.
constexpr std::size_t kFooterBytes = 8 + 8 + 32 + kMagic.size();

void append_number(std::string& out, std::uint64_t value) {
    for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>((value >> shift) & 0xffU);
}

std::uint64_t number_at(std::span<const std::byte> bytes, std::size_t at) {
    std::uint64_t out = 0;
    for (unsigned i = 0; i < 8; ++i) out |= static_cast<std::uint64_t>(bytes[at + i]) << (8 * i);
    return out;
}

Digest digest_at(std::span<const std::byte> bytes, std::size_t at) {
    Digest out;
    std::memcpy(out.bytes.data(), bytes.data() + at, out.bytes.size());
    return out;
}

bool has_magic_at(std::span<const std::byte> bytes, std::size_t at) {
    return std::memcmp(bytes.data() + at, kMagic.data(), kMagic.size()) == 0;
}

using Index = std::unordered_map<Digest, std::span<const std::byte>, DigestHash>;

/// The index of a whole and well-formed pack; nothing for any other bytes.
std::optional<Index> read_index(std::span<const std::byte> file) {
    if (file.size() < kMagic.size() + kFooterBytes) return std::nullopt;
    const std::size_t footer = file.size() - kFooterBytes;
    if (!has_magic_at(file, 0) || !has_magic_at(file, footer + 48)) return std::nullopt;

    const std::uint64_t index_offset = number_at(file, footer);
    const std::uint64_t count = number_at(file, footer + 8);
    if (index_offset < kMagic.size() || index_offset > footer) return std::nullopt;
    if (count != (footer - index_offset) / kIndexEntryBytes || (footer - index_offset) % kIndexEntryBytes != 0) {
        return std::nullopt;
    }
    if (sha256(file.subspan(index_offset, footer + 16 - index_offset)) != digest_at(file, footer + 16)) {
        return std::nullopt;
    }

    Index index;
    index.reserve(count);
    for (std::size_t at = index_offset; at < footer; at += kIndexEntryBytes) {
        const std::uint64_t offset = number_at(file, at + 32);
        const std::uint64_t size = number_at(file, at + 40);
        if (offset < kMagic.size() || offset > index_offset || size > index_offset - offset) return std::nullopt;
        index.emplace(digest_at(file, at), file.subspan(offset, size));
    }
    return index;
}

}  // namespace

std::shared_ptr<const Pack> Pack::open(const fs::path& file) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    return fd ? from_fd(fd.get()) : nullptr;
}

std::shared_ptr<const Pack> Pack::from_fd(int fd) {
    struct stat st {};
    if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0) return nullptr;
    const auto size = static_cast<std::size_t>(st.st_size);
    void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return nullptr;

    std::shared_ptr<Pack> pack(new Pack);
    pack->map_ = static_cast<const std::byte*>(map);
    pack->map_size_ = size;
    std::optional<Index> index = read_index({pack->map_, size});
    if (!index) return nullptr;
    pack->index_ = std::move(*index);
    return pack;
}

Pack::~Pack() {
    if (map_ != nullptr) static_cast<void>(::munmap(const_cast<std::byte*>(map_), map_size_));
}

std::optional<std::span<const std::byte>> Pack::find(const Digest& digest) const {
    const auto it = index_.find(digest);
    if (it == index_.end()) return std::nullopt;
    return it->second;
}

bool Pack::is_intact() const {
    for (const auto& [digest, bytes] : index_) {
        if (sha256(bytes) != digest) return false;
    }
    return true;
}

struct PackWriter::State {
    // Either a file that gets a name, or the descriptor of one that never does.
    std::unique_ptr<AtomicFile> file;
    fs::path directory;
    Hasher hasher;
    std::uint64_t content_start = kMagic.size();
    std::uint64_t position = kMagic.size();
    // Small files are many: they are collected, and written in large pieces.
    std::string buffer = std::string(kMagic);
    std::map<Digest, std::pair<std::uint64_t, std::uint64_t>> index;

    void flush() {
        file->write(as_bytes(buffer));
        buffer.clear();
    }

    void rewind_to(std::uint64_t offset) {
        const std::uint64_t unwritten = position - offset;
        if (unwritten <= buffer.size()) {
            buffer.resize(buffer.size() - static_cast<std::size_t>(unwritten));
        } else {
            buffer.clear();
            const auto where = static_cast<off_t>(offset);
            if (::ftruncate(file->fd(), where) != 0 || ::lseek(file->fd(), where, SEEK_SET) != where) {
                throw system_error(errno, "rewinding a pack");
            }
        }
        position = offset;
    }

    void write_index() {
        rewind_to(content_start);
        std::string tail;
        for (const auto& [digest, place] : index) {
            tail.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
            append_number(tail, place.first);
            append_number(tail, place.second);
        }
        append_number(tail, position);
        append_number(tail, index.size());
        const Digest digest = sha256(tail);
        tail.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
        tail += kMagic;
        buffer += tail;
        flush();
    }
};

PackWriter::PackWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
PackWriter::PackWriter(PackWriter&&) noexcept = default;
PackWriter& PackWriter::operator=(PackWriter&&) noexcept = default;
PackWriter::~PackWriter() = default;

void PackWriter::write(std::span<const std::byte> bytes) {
    constexpr std::size_t flush_at = 1024 * 1024;
    state_->hasher.update(bytes);
    state_->buffer.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    state_->position += bytes.size();
    if (state_->buffer.size() >= flush_at) state_->flush();
}

Content PackWriter::end_content() {
    State& s = *state_;
    const Content content{s.hasher.finish(), s.position - s.content_start};
    const bool is_new = s.index.emplace(content.digest, std::pair(s.content_start, content.size)).second;
    if (!is_new) s.rewind_to(s.content_start);
    s.content_start = s.position;
    return content;
}

void PackWriter::abandon_content() {
    static_cast<void>(state_->hasher.finish());
    state_->rewind_to(state_->content_start);
}

std::shared_ptr<const Pack> PackWriter::commit() {
    state_->write_index();
    // Mapped before it has a name: afterwards somebody might delete or replace it.
    std::shared_ptr<const Pack> pack = Pack::from_fd(state_->file->fd());
    if (!pack) throw Error(ErrorKind::system, "a pack can't be read back after it was written");
    // If the cache was deleted meanwhile: this process has what it needs, and the next one writes the pack again.
    static_cast<void>(state_->file->commit_unless_deleted());
    state_.reset();
    return pack;
}

std::shared_ptr<const Pack> PackWriter::finish_unnamed() {
    state_->write_index();
    std::shared_ptr<const Pack> pack = Pack::from_fd(state_->file->fd());
    if (!pack) throw Error(ErrorKind::system, "a pack can't be read back after it was written");
    state_.reset();
    return pack;
}

ContentStore::ContentStore(fs::path directory) : directory_(std::move(directory)) {
    make_cache_directory(directory_ / "packs");
    std::error_code failed;
    const fs::path tag = directory_ / "CACHEDIR.TAG";
    if (!fs::exists(tag, failed)) {
        outliving_deletions([&] {
            make_cache_directory(directory_);
            write_file_atomically(tag,
                                  "Signature: 8a477f597d28d172789f06886806bc55\n"
                                  "# Unpacked packages and layers of smith. It may be deleted at any time.\n");
        });
    }
    sweep_temporaries(directory_ / "packs");
}

fs::path ContentStore::pack_path(const Digest& source) const { return directory_ / "packs" / (source.hex() + ".pack"); }

std::shared_ptr<const Pack> ContentStore::open_pack(const Digest& source) const {
    return Pack::open(pack_path(source));
}

PackWriter ContentStore::write_pack(const Digest& source) const {
    auto state = std::make_unique<PackWriter::State>();
    // The cache may have been deleted since it was opened.
    outliving_deletions([&] {
        make_cache_directory(directory_ / "packs");
        state->file = std::make_unique<AtomicFile>(pack_path(source));
    });
    return PackWriter(std::move(state));
}

void ContentStore::drop_pack(const Digest& source) const {
    if (::unlink(pack_path(source).c_str()) != 0 && errno != ENOENT) {
        throw system_error(errno, "removing a damaged pack from the cache");
    }
}

struct PackedContents::State {
    mutable std::mutex mutex;
    std::vector<std::shared_ptr<const Pack>> packs;
    std::unordered_set<Digest, DigestHash> verified;

    [[nodiscard]] std::shared_ptr<const Pack> pack_with(const Digest& digest) const {
        for (const auto& pack : packs) {
            if (pack->contains(digest)) return pack;
        }
        return nullptr;
    }
};

std::shared_ptr<PackedContents::State> PackedContents::make_state() { return std::make_shared<State>(); }

void PackedContents::add(std::shared_ptr<const Pack> pack) {
    const std::lock_guard lock(state_->mutex);
    state_->packs.push_back(std::move(pack));
}

bool PackedContents::contains(const Digest& digest) const {
    const std::lock_guard lock(state_->mutex);
    return state_->pack_with(digest) != nullptr;
}

Bytes PackedContents::open(const Content& content) const {
    std::shared_ptr<const Pack> pack;
    bool verified = false;
    {
        const std::lock_guard lock(state_->mutex);
        pack = state_->pack_with(content.digest);
        verified = state_->verified.contains(content.digest);
    }
    if (!pack) throw Error(ErrorKind::system, "no pack has the content " + content.digest.str());
    const std::span<const std::byte> bytes = *pack->find(content.digest);
    if (bytes.size() != content.size) {
        throw Error(ErrorKind::integrity, "content " + content.digest.str() + " has " + std::to_string(bytes.size()) +
                                              " bytes, expected " + std::to_string(content.size));
    }
    if (!verified) {
        const Digest found = sha256(bytes);
        if (found != content.digest) {
            throw Error(ErrorKind::integrity,
                        "the cache is damaged: expected content " + content.digest.str() + ", got " + found.str());
        }
        const std::lock_guard lock(state_->mutex);
        state_->verified.insert(content.digest);
    }
    return {pack, bytes};
}

Content MemoryContents::put(std::string bytes) {
    const Content content{sha256(bytes), bytes.size()};
    contents_.emplace(content.digest, std::make_shared<const std::string>(std::move(bytes)));
    return content;
}

Bytes MemoryContents::open(const Content& content) const {
    const auto it = contents_.find(content.digest);
    if (it == contents_.end()) throw Error(ErrorKind::system, "nobody has the content " + content.digest.str());
    if (it->second->size() != content.size) {
        throw Error(ErrorKind::integrity, "content " + content.digest.str() + " has " +
                                              std::to_string(it->second->size()) + " bytes, expected " +
                                              std::to_string(content.size));
    }
    return {it->second, as_bytes(*it->second)};
}

}  // namespace smith
