// SPDX-License-Identifier: Apache-2.0
//
// What a layer says, less the bytes of its files: one record for each entry of its tar, in the tar's order. It is kept
// beside the layer's pack, so that a second reading of an image opens no layer at all.
//
// File `packs/<sha256 of the blob>.layer` (numbers are LEB128, texts a number and as many bytes):
//     "smithly1", the diff_id (32 bytes), the number of entries
//     for each entry: kind, flags, name, uid, gid; a link's target; a regular file's digest (32 bytes) and size
//     SHA-256 of all before
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/content_store.h"
#include "base/file_tree.h"
#include "ocilayout/byte_source.h"
#include "ocilayout/tar_reader.h"

namespace smith::ocilayout {

/// An entry of a tar as a tree needs it.
struct LayerEntry {
    std::string name;  ///< as in the archive
    TarKind kind = TarKind::regular;
    std::string link;
    bool executable = false;
    bool set_id = false;            ///< a file with the setuid or setgid bit
    bool has_capabilities = false;  ///< the extended attribute security.capability
    std::uint64_t uid = 0;
    std::uint64_t gid = 0;
    Content content;  ///< of a regular file that is no whiteout
};

/// The entry that `tar` stands at, its bytes given to `pack`, or to nobody where that is null. Throws as the two do.
[[nodiscard]] LayerEntry read_layer_entry(TarReader& tar, const TarEntry& entry, PackWriter* pack,
                                          std::span<std::byte> buffer);

/// Collects the record of one layer in a file that has no name yet.
class LayerRecordWriter {
public:
    LayerRecordWriter(const ContentStore& store, const Digest& blob);
    LayerRecordWriter(const LayerRecordWriter&) = delete;
    LayerRecordWriter& operator=(const LayerRecordWriter&) = delete;
    ~LayerRecordWriter();

    void add(const LayerEntry& entry);
    /// Gives it its name, unless somebody deleted the cache meanwhile, and returns what can be read in any case.
    [[nodiscard]] SharedFd commit(const Digest& diff_id);

private:
    struct State;
    std::unique_ptr<State> state_;
};

class LayerRecordReader {
public:
    /// The record of `blob`, verified; null when there is none, a damaged one, or one of another diff_id.
    [[nodiscard]] static std::unique_ptr<LayerRecordReader> open(const ContentStore& store, const Digest& blob,
                                                                 const Digest& diff_id);
    [[nodiscard]] static std::unique_ptr<LayerRecordReader> from_fd(SharedFd fd, const Digest& diff_id);
    ~LayerRecordReader();

    /// False behind the last entry. Throws Error (format) for what no LayerRecordWriter wrote.
    [[nodiscard]] bool next(LayerEntry& entry);

private:
    struct State;
    explicit LayerRecordReader(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace smith::ocilayout
