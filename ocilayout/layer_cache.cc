// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/layer_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "base/atomic_file.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "base/json.h"
#include "ocilayout/gzip.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

// One read(2) of a blob.
constexpr std::size_t kCopyBytes = std::size_t{256} * 1024;
// A record is four short fields.
constexpr std::uint64_t kMaxRecordBytes = 64 * 1024;

/// The compressor is part of the name, so that several versions of smith can share a cache.
std::string name_of(const Digest& key) { return sha256(key.hex() + " " + std::string(compressor_id())).hex(); }

/// JSON, and on a second line its digest: a flipped bit in diffID would otherwise end in a signed image.
std::string to_record(const Layer& layer) {
    const json record{{"diffID", layer.diff_id.str()},
                      {"digest", layer.digest.str()},
                      {"mediaType", layer.media_type},
                      {"size", layer.size}};
    const std::string text = dump_json(record);
    return text + "\n" + sha256(text).str() + "\n";
}

void write_record(const std::filesystem::path& file, const Layer& layer) {
    try {
        write_file_atomically(file, to_record(layer));
    } catch (const Error& e) {
        if (!e.is_not_found()) throw;  // else the cache was deleted meanwhile
    }
}

/// Nothing for a record that is not whole.
std::optional<Layer> parse_record(std::string_view text) {
    const std::size_t line = text.find('\n');
    if (line == std::string_view::npos) return std::nullopt;
    const std::string_view body = text.substr(0, line);
    if (text.substr(line + 1) != sha256(body).str() + "\n") return std::nullopt;
    try {
        const json record = parse_json(body);
        return Layer{Digest::parse(record.at("diffID").get<std::string>()),
                     Digest::parse(record.at("digest").get<std::string>()), record.at("size").get<std::uint64_t>(),
                     record.at("mediaType").get<std::string>()};
    } catch (const std::exception&) {
        return std::nullopt;  // Somebody made a digest for it, but it was not this version of smith.
    }
}

std::optional<std::string> read_if_there(const std::filesystem::path& file) {
    try {
        return read_file(file, kMaxRecordBytes);
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace

void StoredLayer::copy_to(const Sink& out) const {
    std::vector<std::byte> buffer(kCopyBytes);
    Hasher hasher;
    std::uint64_t done = 0;
    // pread: copies of this value share one descriptor, whose position belongs to nobody.
    for (;;) {
        const ssize_t got = ::pread(blob->get(), buffer.data(), buffer.size(), static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw system_error(errno, "reading the layer " + layer.digest.str());
        if (got == 0) break;
        const auto bytes = std::span(buffer).first(static_cast<std::size_t>(got));
        done += bytes.size();
        if (done > layer.size) break;
        hasher.update(bytes);
        out(bytes);
    }
    if (done != layer.size || hasher.finish() != layer.digest) {
        throw Error(ErrorKind::integrity, "the layer " + layer.digest.str() + " was damaged after it was stored");
    }
}

bool StoredLayer::is_intact() const {
    try {
        copy_to([](std::span<const std::byte>) {});
        return true;
    } catch (const Error&) {
        return false;
    }
}

std::optional<StoredLayer> LayerCache::find(const Digest& key) const {
    const std::string name = name_of(key);
    const std::optional<std::string> text = read_if_there(directory_ / (name + ".json"));
    if (!text) return std::nullopt;
    const std::optional<Layer> layer = parse_record(*text);
    if (!layer) return std::nullopt;
    UniqueFd fd(::open((directory_ / (name + ".gz")).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat st {};
    if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
    if (static_cast<std::uint64_t>(st.st_size) != layer->size) return std::nullopt;
    return StoredLayer{*layer, std::make_shared<const UniqueFd>(std::move(fd)), {}};
}

StoredLayer LayerCache::store(const FileTree& tree, Owner owner, const Contents& contents, unsigned jobs) const {
    const std::string name = name_of(layer_key(tree, owner));
    std::optional<AtomicFile> made;
    outliving_deletions([&] {
        make_cache_directory(directory_);
        made.emplace(directory_ / (name + ".gz"));
    });
    AtomicFile& file = *made;
    sweep_temporaries(directory_);

    StoredLayer out;
    out.layer = write_layer(
        tree, owner, contents, [&](std::span<const std::byte> bytes) { file.write(bytes); }, jobs);
    // A descriptor of our own, taken before the file has a name: later somebody might replace it.
    out.blob = std::make_shared<const UniqueFd>(open_file("/proc/self/fd/" + std::to_string(file.fd()), O_RDONLY));
    // The record comes last: a blob without one is nothing. If the cache was deleted meanwhile, this process has what
    // it needs, and the next one makes the layer again.
    if (file.commit_unless_deleted()) write_record(directory_ / (name + ".json"), out.layer);
    return out;
}

}  // namespace smith::ocilayout
