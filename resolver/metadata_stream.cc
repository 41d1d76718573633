// SPDX-License-Identifier: Apache-2.0
#include "resolver/metadata_stream.h"

#include <sys/types.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "base/bounds.h"
#include "base/decompress.h"
#include "base/error.h"
#include "base/handle.h"
#include "resolver/xml_run_limit.h"

namespace smith::resolver {

namespace {

// Metadata compresses 5 to 30 times. 64 MiB of it may be as repetitive as they like: a tiny repository is.
constexpr std::uint64_t kMaxRatio = 200;
constexpr std::uint64_t kUnsuspectedBytes = 64 * limits::kMiB;
// The modules.yaml of RHEL 8's AppStream, with all versions of four years, has some 10 MiB.
constexpr std::uint64_t kMaxModulesBytes = 128 * limits::kMiB;

/// Decompression bombs end here, also where repomd.xml announces them.
std::uint64_t bound_of(const std::filesystem::path& file, const RepomdRecord& record, MetadataText text) {
    const std::uint64_t most = text == MetadataText::xml ? limits::kMaxMetadataBytes : kMaxModulesBytes;
    const std::uint64_t plausible = std::min(most, kUnsuspectedBytes + kMaxRatio * std::filesystem::file_size(file));
    return std::min(record.open_size.value_or(plausible), plausible);
}

}  // namespace

struct MetadataStream::State {
    State(const std::filesystem::path& path, const RepomdRecord& what, MetadataText text)
        : record(what), is_xml(text == MetadataText::xml), decompressor(path, bound_of(path, what, text)) {
        if (record.open_checksum) hasher.emplace(record.open_checksum->algorithm);
    }

    RepomdRecord record;
    bool is_xml;
    Decompressor decompressor;
    std::optional<Hasher> hasher;
    XmlRunLimit runs;
    std::uint64_t count = 0;
    std::exception_ptr error;
    std::unique_ptr<std::FILE, FreeWith<std::fclose>> file;  // reads from this: closed first
};

MetadataStream::MetadataStream(const std::filesystem::path& file, const RepomdRecord& record, MetadataText text)
    : state_(std::make_unique<State>(file, record, text)) {}
MetadataStream::~MetadataStream() = default;

std::size_t MetadataStream::read(std::span<std::byte> buffer) {
    const std::size_t count = state_->decompressor.read(buffer);
    if (state_->hasher) state_->hasher->update(buffer.first(count));
    if (state_->is_xml) state_->runs.feed(buffer.first(count));
    state_->count += count;
    return count;
}

std::FILE* MetadataStream::as_file() {
    cookie_io_functions_t functions{};
    functions.read = [](void* self, char* bytes, std::size_t size) noexcept -> ssize_t {
        auto& stream = *static_cast<MetadataStream*>(self);
        try {
            return static_cast<ssize_t>(stream.read(std::as_writable_bytes(std::span(bytes, size))));
        } catch (...) {
            stream.state_->error = std::current_exception();
            return -1;
        }
    };
    state_->file.reset(fopencookie(this, "r", functions));
    if (!state_->file) throw Error(ErrorKind::system, "opening a stream: out of memory");
    return state_->file.get();
}

void MetadataStream::finish() {
    State& state = *state_;
    if (state.error != nullptr) std::rethrow_exception(state.error);
    std::vector<std::byte> rest(64 * 1024);
    while (read(rest) != 0) {
    }
    const RepomdRecord& record = state.record;
    if (record.open_size && state.count != *record.open_size) {
        throw Error(ErrorKind::integrity, quote(record.location) + ": expected " + std::to_string(*record.open_size) +
                                              " bytes after decompression, got " + std::to_string(state.count));
    }
    if (!state.hasher) return;
    const std::string hex = state.hasher->finish_hex();
    if (hex != record.open_checksum->hex) {
        throw Error(ErrorKind::integrity, quote(record.location) + ": expected " + record.open_checksum->str() +
                                              " after decompression, got " + record.open_checksum->algorithm + ":" +
                                              hex);
    }
}

}  // namespace smith::resolver
