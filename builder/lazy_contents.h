// SPDX-License-Identifier: Apache-2.0
//
// The bytes of packages that are unpacked only when somebody asks for one of their files, into packs of the content
// store; and whose packages are fetched only then, too, where they are not on this machine. A pack that turns out to be
// damaged is dropped and made again, once.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/content_store.h"
#include "base/contents.h"

namespace smith::builder {

/// What can be unpacked.
struct PackSource {
    std::string name;              ///< for messages: a NEVRA
    Digest digest;                 ///< of the .rpm or blob; names the pack
    std::vector<Digest> contents;  ///< what it will have once it is unpacked
    /// Writes every content. Runs in any thread, for one source at most once at a time.
    std::function<void(PackWriter&)> unpack;
};

class LazyContents : public Contents {
public:
    /// Brings sources to this machine, so that they can be unpacked; those that are here cost nothing. The argument is
    /// indexes, in the order of add(). Called by one thread at a time.
    using Obtain = std::function<void(const std::vector<std::size_t>&)>;

    /// prefetch() runs on up to `jobs` threads.
    LazyContents(const ContentStore& store, unsigned jobs, Obtain obtain = {});
    ~LazyContents() override;

    /// Not to be called while another thread is in open() or prefetch(). What two sources have comes from the first.
    void add(PackSource source);

    /// See Contents. A source that does not hold what it promised is an Error (integrity).
    [[nodiscard]] Bytes open(const Content& content) const override;
    /// Obtains all that hold `contents` and have no pack yet at once, unpacks them, and verifies `contents`.
    void prefetch(std::span<const Content> contents) const override;

    [[nodiscard]] bool contains(const Digest& digest) const { return owner_.contains(digest); }
    /// How many sources had to be unpacked, as opposed to found in the store.
    [[nodiscard]] std::size_t unpacked() const;

private:
    struct Slot;
    void obtain(const std::vector<std::size_t>& sources) const;

    const ContentStore& store_;
    unsigned jobs_;
    Obtain obtain_;
    mutable std::mutex obtaining_;
    std::vector<std::unique_ptr<Slot>> slots_;
    std::unordered_map<Digest, std::size_t, DigestHash> owner_;
};

}  // namespace smith::builder
