// SPDX-License-Identifier: Apache-2.0
//
// One file on disk for the regular files of one package or layer: a *pack*, named by the digest of the .rpm or blob
// that it was unpacked from. 13,000 small files are one file, and a second build unpacks nothing.
//
// A store is a directory that may be shared by concurrent builds, deleted at any time, and left behind by kill -9 at
// any point: packs appear whole (AtomicFile), and one that is damaged counts as absent and is replaced.
//
// Pack format (all numbers little-endian 64 bit):
//     "smithpk1"
//     the bytes of each content, back to back
//     for each content, in order of digest: digest (32 bytes), offset from the start of the file, size
//     offset of that index, number of contents, SHA-256 of the index and of these two numbers
//     "smithpk1"
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/atomic_file.h"
#include "base/contents.h"
#include "base/digest.h"

namespace smith {

/// An open pack, mapped into memory. Stays readable when its file is deleted.
class Pack {
public:
    /// Null when the file is not there, or is not a whole pack. Contents are verified one by one as they are read.
    [[nodiscard]] static std::shared_ptr<const Pack> open(const std::filesystem::path& file);
    [[nodiscard]] static std::shared_ptr<const Pack> from_fd(int fd);
    Pack(const Pack&) = delete;
    Pack& operator=(const Pack&) = delete;
    ~Pack();

    [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
    [[nodiscard]] bool contains(const Digest& digest) const { return index_.contains(digest); }
    /// Not verified. Empty optional when the pack does not have it.
    [[nodiscard]] std::optional<std::span<const std::byte>> find(const Digest& digest) const;
    /// False when some content does not match its digest any more.
    [[nodiscard]] bool is_intact() const;

private:
    Pack() = default;
    const std::byte* map_ = nullptr;
    std::size_t map_size_ = 0;
    std::unordered_map<Digest, std::span<const std::byte>, DigestHash> index_;
};

/// Writes a pack. Contents that occur twice are stored once.
class PackWriter {
public:
    PackWriter(PackWriter&&) noexcept;
    PackWriter& operator=(PackWriter&&) noexcept;
    ~PackWriter();

    /// The next bytes of the current content.
    void write(std::span<const std::byte> bytes);
    /// Ends the current content (which may be empty), and says what it was.
    Content end_content();
    /// Drops what was written since the last end_content().
    void abandon_content();

    /// Gives the pack its name. The pack is open from here on, also when the cache was deleted while it was written.
    /// Call one of these two, once.
    [[nodiscard]] std::shared_ptr<const Pack> commit();
    /// Never gives it a name: for bytes that only this process needs, such as a snapshot of an overlay.
    [[nodiscard]] std::shared_ptr<const Pack> finish_unnamed();

private:
    friend class ContentStore;
    struct State;
    explicit PackWriter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

class ContentStore {
public:
    /// Makes `directory` (make_cache_directory), and a CACHEDIR.TAG in it, so that backups leave it out.
    explicit ContentStore(std::filesystem::path directory);

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

    /// The pack made from `source` (the digest of a .rpm or of a blob); null when there is none, or a damaged one.
    [[nodiscard]] std::shared_ptr<const Pack> open_pack(const Digest& source) const;
    [[nodiscard]] PackWriter write_pack(const Digest& source) const;

    /// Forgets the pack of `source`, because something in it turned out to be damaged.
    void drop_pack(const Digest& source) const;

private:
    [[nodiscard]] std::filesystem::path pack_path(const Digest& source) const;
    std::filesystem::path directory_;
};

/// The contents of several packs. Each content is verified against its digest the first time it is opened.
class PackedContents : public Contents {
public:
    /// May be called while other threads are in open(). Where two packs have the same content, the first one serves.
    void add(std::shared_ptr<const Pack> pack);
    [[nodiscard]] bool contains(const Digest& digest) const;
    [[nodiscard]] Bytes open(const Content& content) const override;

private:
    struct State;
    std::shared_ptr<State> state_ = make_state();
    static std::shared_ptr<State> make_state();
};

}  // namespace smith
