// SPDX-License-Identifier: Apache-2.0
//
// repomd.xml, the table of contents of a yum repository.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"

namespace smith::resolver {

/// One `<data>` of a repomd.xml. All that is in it was checked for plausibility; nothing was downloaded yet.
struct RepomdRecord {
    std::string type;                       ///< "primary", "filelists", "group" ...
    std::string location;                   ///< relative to the repository; check_location() has seen it
    Checksum checksum;                      ///< of the file as it is stored
    std::optional<std::uint64_t> size;      ///< of the file as it is stored
    std::optional<Checksum> open_checksum;  ///< of the XML in it
    std::optional<std::uint64_t> open_size;
    bool operator==(const RepomdRecord&) const = default;
};

struct Repomd {
    std::string revision;
    std::vector<RepomdRecord> records;
    /// When it was made, in seconds since 1970: the newest <timestamp> of its files, else a revision that is a number.
    std::optional<std::uint64_t> timestamp;

    /// Null when the repository has no such file.
    [[nodiscard]] const RepomdRecord* find(std::string_view type) const;
};

/// Throws Error (format).
[[nodiscard]] Repomd parse_repomd(std::string_view xml);

}  // namespace smith::resolver
