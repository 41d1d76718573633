// SPDX-License-Identifier: Apache-2.0
//
// Packages that no rpmbuild would write: one is taken apart, anything in it is changed, and it is put together again
// with its digests in order, so that only the defence in question can refuse it. (rpm, docs/manual/format.md)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace smith::test {

// Tags of the header, and of the signature header.
inline constexpr std::uint32_t kTagHeaderSignature = 268;  // RSAHEADER
inline constexpr std::uint32_t kTagSha256Header = 273;
inline constexpr std::uint32_t kTagName = 1000;
inline constexpr std::uint32_t kTagLegacySignature = 1002;  // over header and payload
inline constexpr std::uint32_t kTagFileSizes = 1028;
inline constexpr std::uint32_t kTagFileModes = 1030;
inline constexpr std::uint32_t kTagFileDigests = 1035;
inline constexpr std::uint32_t kTagFileLinkTos = 1036;
inline constexpr std::uint32_t kTagDirIndexes = 1116;
inline constexpr std::uint32_t kTagBaseNames = 1117;
inline constexpr std::uint32_t kTagDirNames = 1118;
inline constexpr std::uint32_t kTagPayloadCompressor = 1125;
inline constexpr std::uint32_t kTagFileDigestAlgo = 5011;
inline constexpr std::uint32_t kTagPayloadDigest = 5092;
inline constexpr std::uint32_t kTagPayloadDigestAlgo = 5093;
inline constexpr std::uint32_t kTagPayloadDigestAlt = 5097;

enum class RpmType : std::uint32_t { int16 = 3, int32 = 4, string = 6, binary = 7, string_array = 8 };

/// One tag with its value as it is stored: big-endian numbers, strings with their NUL.
struct RpmTag {
    std::uint32_t tag = 0;
    RpmType type{};
    std::uint32_t count = 0;
    std::string data;
};
[[nodiscard]] RpmTag string_tag(std::uint32_t tag, const std::string& value);
[[nodiscard]] RpmTag strings_tag(std::uint32_t tag, const std::vector<std::string>& values);
[[nodiscard]] RpmTag number_tag(std::uint32_t tag, std::uint32_t value);
[[nodiscard]] RpmTag binary_tag(std::uint32_t tag, const std::string& value);

struct ForgedRpm {
    std::string lead;
    std::vector<RpmTag> signatures;
    std::vector<RpmTag> header;
    std::vector<RpmTag> outside;  ///< tags of the header that stand behind its immutable region
    std::string payload;

    explicit ForgedRpm(const std::filesystem::path& file);

    /// Replaces the tag, or adds it.
    void set(const RpmTag& tag);
    void remove(std::uint32_t tag);
    /// Makes the payload's digest right.
    void seal_payload();
    [[nodiscard]] std::string header_bytes() const;
    /// Makes the header's digest right, and drops all that the signature header had.
    void seal_header();
    void write(const std::filesystem::path& file) const;
};

/// What one entry of a cpio archive ("newc") says of itself.
struct CpioEntry {
    std::string name;
    std::string bytes;
    std::uint32_t mode = 0100644;
    std::uint32_t inode = 1;
    std::uint32_t links = 1;
    std::uint64_t claimed_size = UINT64_MAX;       ///< that of `bytes`
    std::uint64_t claimed_name_size = UINT64_MAX;  ///< that of `name`, with its NUL
};
[[nodiscard]] std::string cpio(const std::vector<CpioEntry>& entries);
/// The last entry, which ends an archive.
[[nodiscard]] std::string cpio_end();

}  // namespace smith::test
