// SPDX-License-Identifier: Apache-2.0
//
// A stream that is pulled, and what can be put in its way: a part of a file, a digest check, a digest taken in passing,
// a thread that reads ahead. The counterpart of Sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/digest.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/sink.h"

namespace smith::ocilayout {

class ByteSource {
public:
    virtual ~ByteSource() = default;
    /// Fills the front of `buffer`, which is not empty, and says how much; 0 is the end. Throws Error.
    [[nodiscard]] virtual std::size_t read(std::span<std::byte> buffer) = 0;
    /// Passes over the next `count` bytes; false when the stream ends before. Reads them unless it can do better.
    [[nodiscard]] virtual bool skip(std::uint64_t count);
};

/// Bytes that are not what they should be, with both sides: what a check of everything lists.
class MismatchError : public Error {
public:
    MismatchError(std::string message, std::string want, std::string got)
        : Error(ErrorKind::integrity, std::move(message)), want_(std::move(want)), got_(std::move(got)) {}
    [[nodiscard]] const std::string& want() const noexcept { return want_; }
    [[nodiscard]] const std::string& got() const noexcept { return got_; }

private:
    std::string want_;
    std::string got_;
};

/// What a document means is not where it should be. Of a registry: fetch, for it may be there another time.
class MissingError : public Error {
public:
    explicit MissingError(std::string message, ErrorKind kind = ErrorKind::integrity)
        : Error(kind, std::move(message)) {}
};

using SharedFd = std::shared_ptr<const UniqueFd>;

/// `size` bytes of a file from `offset`. Does not move the descriptor's position.
[[nodiscard]] std::unique_ptr<ByteSource> file_source(SharedFd fd, std::uint64_t offset, std::uint64_t size);

/// The bytes of a string.
[[nodiscard]] std::unique_ptr<ByteSource> memory_source(std::string bytes);

/// Passes on what `inner` gives. Throws Error (integrity) in place of the end, when these were not `size` bytes with
/// digest `expected`, and as soon as there are more of them.
[[nodiscard]] std::unique_ptr<ByteSource> verifying_source(std::unique_ptr<ByteSource> inner, const Digest& expected,
                                                           std::uint64_t size);

/// Passes on what `inner` gives, and calls `at_end` once with the digest of it all.
[[nodiscard]] std::unique_ptr<ByteSource> hashing_source(std::unique_ptr<ByteSource> inner,
                                                         std::function<void(const Digest&)> at_end);

/// `inner` runs on a thread of its own, some blocks ahead; what it throws comes out of read().
[[nodiscard]] std::unique_ptr<ByteSource> read_ahead(std::unique_ptr<ByteSource> inner);

/// Gives all there is to `out`.
void copy_to(ByteSource& source, const Sink& out);

/// Reads to the end and forgets it: what is verified at the end must be read to the end.
void drain(ByteSource& source);

/// Runs `body`, which reads what `open` opens. Damaged bytes fail in many ways: where they are not those that are
/// meant, that is what is said.
template <typename Open, typename Body>
auto blame_digest_first(const Open& open, Body&& body) -> decltype(body()) {
    try {
        return body();
    } catch (const Error&) {
        drain(*open());
        throw;
    }
}

/// All there is. Throws Error (format) when it is more than `max_bytes`. Memory grows with what really comes.
[[nodiscard]] std::string read_all(ByteSource& source, std::uint64_t max_bytes);

}  // namespace smith::ocilayout
