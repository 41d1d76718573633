// SPDX-License-Identifier: Apache-2.0
//
// What librpm does not do for us: ASCII armor of signatures (it takes keys only), and what a certificate says about
// when its keys expire and whether they were revoked. Reads OpenPGP packets (RFC 4880, sections 4, 5.2, 5.5, 6
// and 12.2) and verifies nothing: that is librpm's part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smith::resolver {

struct OpenPgpKey {
    std::string id;  ///< 16 lower-case hexadecimal digits
    std::uint32_t created = 0;
    std::optional<std::uint32_t> expires;  ///< seconds since 1970; the first second at which it is no longer valid
    bool revoked = false;  ///< somebody says so in its name: believed without proof, because it is the safe thing
    bool operator==(const OpenPgpKey&) const = default;
};

/// A primary key and its subkeys, in that order; a subkey is never valid for longer than its primary key.
struct OpenPgpCertificate {
    std::span<const std::byte> packets;  ///< of the bytes that were given
    std::vector<OpenPgpKey> keys;
};

/// The bytes in every armored block of `kind` ("PUBLIC KEY BLOCK", "SIGNATURE") in `text`; what is around the blocks
/// does not count. Bytes that are not armored at all are one block. Throws Error (format).
[[nodiscard]] std::vector<std::vector<std::byte>> dearmor(std::string_view text, std::string_view kind);

/// Throws Error (format).
[[nodiscard]] std::vector<OpenPgpCertificate> read_certificates(std::span<const std::byte> packets);

}  // namespace smith::resolver
