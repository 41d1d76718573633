// SPDX-License-Identifier: Apache-2.0
//
// Writes a tar stream: POSIX ustar, with pax records only for what ustar can't hold (pax(1), "Extended Header").
// It is ours and not libarchive's because digests of images are digests of these bytes: they may not change with the
// version of a library. Time is 0, user and group have no names, and there are no extended attributes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/sink.h"
#include "ocilayout/owner.h"

namespace smith::ocilayout {

/// Names are bytes, without a leading '/' and not empty. Members throw what the sink throws.
class TarWriter {
public:
    explicit TarWriter(Sink out) : out_(std::move(out)) {}

    /// `name` without a trailing slash; the archive gets one.
    void directory(std::string_view name, unsigned mode, Owner owner);
    void symlink(std::string_view name, std::string_view target, Owner owner);
    /// `target` names an entry that was written before.
    void hard_link(std::string_view name, std::string_view target, unsigned mode, Owner owner);
    /// Exactly `size` bytes must follow by data().
    void begin_file(std::string_view name, std::uint64_t size, unsigned mode, Owner owner);
    void data(std::span<const std::byte> bytes);
    void file(std::string_view name, std::string_view bytes, unsigned mode, Owner owner);

    /// Writes the two blocks of zeros that end an archive. Call once, last.
    void finish();

private:
    struct Header;
    void write_entry(const Header& header);
    void write_pax(const Header& header);
    void pad(std::uint64_t size);

    Sink out_;
    std::uint64_t missing_ = 0;  ///< bytes of the current file that data() has not been given yet
    std::uint64_t file_size_ = 0;
};

}  // namespace smith::ocilayout
