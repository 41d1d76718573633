// SPDX-License-Identifier: Apache-2.0
#include "base/decompress.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/fd.h"
#include "base/handle.h"
#include "base/zchunk.h"

namespace smith {

namespace {

using ArchiveReader = std::unique_ptr<archive, FreeWith<archive_read_free>>;
constexpr std::size_t kReadBytes = 64 * 1024;

}  // namespace

struct Decompressor::State {
    State(const std::filesystem::path& path, std::uint64_t max) : file(path), max_bytes(max) {}

    /// A warning is a failure: it means that libarchive would start a program, or lost something.
    void check(int code) const {
        if (code == ARCHIVE_OK) return;
        const char* what = archive_error_string(reader.get());
        throw Error(ErrorKind::format,
                    "decompressing " + quote(file.string()) + ": " + (what != nullptr ? what : "unknown error"));
    }

    std::size_t read(std::span<std::byte> buffer) {
        if (zchunk) {
            return while_doing([&] { return "decompressing " + quote(file.string()); },
                               [&] { return zchunk->read(buffer); });
        }
        const la_ssize_t count = archive_read_data(reader.get(), buffer.data(), buffer.size());
        if (count < 0) check(static_cast<int>(count));
        return count < 0 ? 0 : static_cast<std::size_t>(count);
    }

    std::filesystem::path file;
    std::uint64_t max_bytes;
    std::uint64_t given = 0;
    UniqueFd fd;           // must outlive the reader
    ArchiveReader reader;  // one of these two
    std::optional<ZchunkReader> zchunk;
    bool at_end = false;
};

Decompressor::Decompressor(const std::filesystem::path& file, std::uint64_t max_bytes)
    : state_(std::make_unique<State>(file, max_bytes)) {
    State& state = *state_;
    state.fd = open_file(file, O_RDONLY);
    std::array<std::byte, 5> first{};
    if (::pread(state.fd.get(), first.data(), first.size(), 0) == 5 && is_zchunk(first)) {
        while_doing([&] { return "decompressing " + quote(file.string()); },
                    [&] { state.zchunk.emplace(state.fd.get()); });
        return;
    }
    state.reader.reset(archive_read_new());
    archive* reader = state.reader.get();
    if (reader == nullptr) throw Error(ErrorKind::system, "libarchive: out of memory");
    state.check(archive_read_support_filter_gzip(reader));
    state.check(archive_read_support_filter_xz(reader));
    state.check(archive_read_support_filter_bzip2(reader));
    state.check(archive_read_support_filter_zstd(reader));
    state.check(archive_read_support_format_raw(reader));
    // "raw" does not take an empty stream for one; to us it is a stream of no bytes.
    state.check(archive_read_support_format_empty(reader));
    state.check(archive_read_open_fd(reader, state.fd.get(), kReadBytes));
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(reader, &entry);
    state.at_end = code == ARCHIVE_EOF;
    if (!state.at_end) state.check(code);
}

Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;
Decompressor::~Decompressor() = default;

std::size_t Decompressor::read(std::span<std::byte> buffer) {
    State& state = *state_;
    if (state.at_end) return 0;
    const std::size_t size = state.read(buffer);
    if (size == 0) {
        state.at_end = true;
        return 0;
    }
    if (size > state.max_bytes - state.given) {
        throw Error(ErrorKind::format, "decompressing " + quote(state.file.string()) + ": more comes out than the " +
                                           std::to_string(state.max_bytes) + " bytes that may");
    }
    state.given += size;
    return size;
}

}  // namespace smith
