// SPDX-License-Identifier: Apache-2.0
//
// One file on its way into the cache: written without a name, counted and hashed, and named when size and checksum are
// right, never before. When a connection breaks, what is there is kept for the rest to follow; whether the pieces
// belong together is for the checksum to say. A file that was not finished is gone with the process: a cache holds
// nothing that is not whole.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/atomic_file.h"
#include "base/digest.h"
#include "base/http.h"
#include "resolver/download.h"

namespace smith::resolver {

class Arrival {
public:
    /// `download` must outlive it.
    explicit Arrival(const Download& download);

    [[nodiscard]] std::uint64_t received() const { return received_; }
    /// Bytes of more than one answer.
    [[nodiscard]] bool is_pieced() const { return is_pieced_; }

    /// Takes what download.start holds for the first bytes, unless there are some already. To be called once.
    void take_start();
    /// The header lines that ask `url` for what is missing; none where all of it is to be asked for (RFC 9110, "Range
    /// Requests").
    [[nodiscard]] std::vector<std::string> range_headers(const std::string& url) const;
    /// Looks at an answer of `url` before its first byte: goes on, or starts over. Throws Error (fetch) when it is
    /// another part than what was asked for.
    void begin(const std::string& url, const HttpResponse& response);
    /// Throws Error: integrity, beyond the size that the file may have; system.
    void write(std::span<const std::byte> bytes, const std::string& url);
    /// Forgets what came.
    void start_over();
    /// Throws Error (integrity).
    [[nodiscard]] Downloaded finish(const std::string& url);

private:
    [[nodiscard]] AtomicFile& file();
    void check_magic(std::span<const std::byte> bytes, const std::string& url) const;
    void keeping(const std::function<void()>& body) const;

    const Download& download_;
    bool is_known_;  ///< what bytes they must be
    Hasher hasher_;
    Hasher sha256_;
    bool also_sha256_;
    std::optional<AtomicFile> file_;
    std::uint64_t received_ = 0;
    bool is_pieced_ = false;
    std::string source_;     ///< the URL that the last bytes are from
    std::string validator_;  ///< its strong ETag, else its Last-Modified, else ""
};

}  // namespace smith::resolver
