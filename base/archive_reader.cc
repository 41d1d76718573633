// SPDX-License-Identifier: Apache-2.0
#include "base/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <cerrno>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/handle.h"

namespace smith {

namespace {

using Handle = std::unique_ptr<archive, FreeWith<archive_read_free>>;

constexpr std::size_t kInputBytes = std::size_t{64} * 1024;

ArchiveReader::Kind kind_of(archive_entry* entry) {
    if (archive_entry_hardlink(entry) != nullptr) return ArchiveReader::Kind::hard_link;
    switch (archive_entry_filetype(entry)) {
        case AE_IFDIR: return ArchiveReader::Kind::directory;
        case AE_IFREG: return ArchiveReader::Kind::regular;
        case AE_IFLNK: return ArchiveReader::Kind::symlink;
        default: return ArchiveReader::Kind::other;
    }
}

/// The bytes of a name; libarchive gives null for one that it can't convert.
std::string text_or_refuse(const char* text, const char* what) {
    if (text == nullptr) throw Error(ErrorKind::format, std::string("an archive entry has no readable ") + what);
    return text;
}

}  // namespace

struct ArchiveReader::State {
    State(ByteInput source, ArchiveLimits bounds) : input(std::move(source)), limits(bounds) {}

    ByteInput input;
    ArchiveLimits limits;
    std::vector<std::byte> buffer = std::vector<std::byte>(kInputBytes);
    /// What the input threw; it can't pass through libarchive's frames.
    std::exception_ptr failure;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t entries = 0;
    Entry entry;
    // Last, so that it is freed before what its callback uses.
    Handle handle;

    static la_ssize_t on_read(archive* a, void* self, const void** block) noexcept {
        auto* state = static_cast<State*>(self);
        try {
            const std::size_t got = state->input(state->buffer);
            state->bytes_in += got;
            *block = state->buffer.data();
            return static_cast<la_ssize_t>(got);
        } catch (...) {
            state->failure = std::current_exception();
            archive_set_error(a, EIO, "the input failed");
            return ARCHIVE_FATAL;
        }
    }

    /// A warning is a failure: it means that an entry lost something.
    void check(int result) {
        if (result == ARCHIVE_OK || result == ARCHIVE_EOF) return;
        fail();
    }

    [[noreturn]] void fail() {
        if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
        const char* message = archive_error_string(handle.get());
        throw Error(ErrorKind::format,
                    std::string("damaged archive: ") + (message != nullptr ? message : "no reason given"));
    }

    void count(std::uint64_t bytes) {
        bytes_out += bytes;
        if (bytes_out > limits.max_bytes) {
            throw Error(ErrorKind::format,
                        "an archive holds more than the " + std::to_string(limits.max_bytes) + " bytes allowed");
        }
        if (bytes_out > limits.free_bytes && bytes_out / limits.max_ratio > bytes_in) {
            throw Error(ErrorKind::format, "decompression bomb: " + std::to_string(bytes_in) +
                                               " bytes have become more than " + std::to_string(bytes_out));
        }
    }
};

ArchiveReader::ArchiveReader(ByteInput input, ArchiveFormat format, ArchiveLimits limits)
    : state_(std::make_unique<State>(std::move(input), limits)) {
    State& s = *state_;
    s.handle.reset(archive_read_new());
    archive* a = s.handle.get();
    if (a == nullptr) throw std::bad_alloc();
    // Named one by one: "all" has filters that run other programs.
    s.check(archive_read_support_filter_gzip(a));
    s.check(archive_read_support_filter_xz(a));
    s.check(archive_read_support_filter_lzma(a));
    s.check(archive_read_support_filter_zstd(a));
    s.check(archive_read_support_filter_bzip2(a));
    switch (format) {
        case ArchiveFormat::cpio: s.check(archive_read_support_format_cpio(a)); break;
        case ArchiveFormat::tar: s.check(archive_read_support_format_tar(a)); break;
        case ArchiveFormat::compressed:
            s.check(archive_read_support_format_raw(a));
            // No bytes at all are a stream too.
            s.check(archive_read_support_format_empty(a));
            break;
    }
    s.check(archive_read_open(a, &s, nullptr, State::on_read, nullptr));
}

ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader& ArchiveReader::operator=(ArchiveReader&&) noexcept = default;
ArchiveReader::~ArchiveReader() = default;

const ArchiveReader::Entry* ArchiveReader::next() {
    State& s = *state_;
    archive_entry* found = nullptr;
    const int result = archive_read_next_header(s.handle.get(), &found);
    s.check(result);
    if (result == ARCHIVE_EOF) return nullptr;
    if (++s.entries > s.limits.max_entries) {
        throw Error(ErrorKind::format,
                    "an archive has more than the " + std::to_string(s.limits.max_entries) + " entries allowed");
    }
    Entry& entry = s.entry;
    entry = {};
    entry.path = text_or_refuse(archive_entry_pathname(found), "name");
    entry.kind = kind_of(found);
    if (entry.kind == Kind::symlink) entry.target = text_or_refuse(archive_entry_symlink(found), "link");
    if (entry.kind == Kind::hard_link) entry.target = archive_entry_hardlink(found);
    const la_int64_t size = archive_entry_size(found);
    entry.size = size > 0 ? static_cast<std::uint64_t>(size) : 0;
    entry.mode = static_cast<unsigned>(archive_entry_perm(found)) & 07777U;
    entry.inode = static_cast<std::uint64_t>(archive_entry_ino64(found));
    entry.links = archive_entry_nlink(found);
    return &entry;
}

std::size_t ArchiveReader::read(std::span<std::byte> buffer) {
    State& s = *state_;
    const la_ssize_t got = archive_read_data(s.handle.get(), buffer.data(), buffer.size());
    if (got < 0) s.fail();
    s.count(static_cast<std::uint64_t>(got));
    return static_cast<std::size_t>(got);
}

}  // namespace smith
