// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 digests as OCI writes them (image-spec descriptor.md, "Digests"), and the other checksums that yum
// repositories use. Hashing is OpenSSL's.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace smith {

/// A SHA-256 digest: 32 bytes. Sorts by bytes. The default is all zero, which no bytes are known to have.
struct Digest {
    std::array<std::uint8_t, 32> bytes{};

    auto operator<=>(const Digest&) const = default;

    /// 64 lower-case hexadecimal digits.
    [[nodiscard]] std::string hex() const;
    /// "sha256:<hex>"
    [[nodiscard]] std::string str() const;
    /// From exactly 64 hexadecimal digits. Throws Error (format).
    [[nodiscard]] static Digest from_hex(std::string_view hex);
    /// From "sha256:" and 64 lower-case digits. Throws Error (format), also for other algorithms.
    [[nodiscard]] static Digest parse(std::string_view text);
};

/// Differs from process to process: whoever makes up digests, as a package's header may, can't make them all collide.
struct DigestHash {
    [[nodiscard]] std::size_t operator()(const Digest& digest) const noexcept;
};

/// A checksum with its algorithm, as repomd.xml and RPM headers give it. `hex` is lower case.
struct Checksum {
    std::string algorithm;  ///< "sha256", "sha512", "sha384", "sha224", "sha1", "md5"
    std::string hex;
    auto operator<=>(const Checksum&) const = default;
    [[nodiscard]] std::string str() const { return algorithm + ":" + hex; }
};

/// Hashes a stream. Usable again after finish().
class Hasher {
public:
    Hasher() : Hasher("sha256") {}
    /// `algorithm` as in Checksum ("sha" is yum's old name for "sha1"). Throws Error (format) for one that is not
    /// known.
    explicit Hasher(std::string_view algorithm);
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    ~Hasher();

    void update(std::span<const std::byte> bytes);
    void update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }
    /// The SHA-256 digest of all that update() was given. Only for a Hasher of sha256.
    [[nodiscard]] Digest finish();
    [[nodiscard]] std::string finish_hex();

private:
    struct State;
    std::unique_ptr<State> state_;
};

[[nodiscard]] Digest sha256(std::span<const std::byte> bytes);
[[nodiscard]] Digest sha256(std::string_view text);

[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);

}  // namespace smith
