// SPDX-License-Identifier: Apache-2.0
//
// The commands of smith: their names, and what --help says about each. Which options a command has stands with the
// options (raw_options.cc).
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace smith::cli {

/// One bit a command, so that an option can say in one word which commands it belongs to.
using Commands = unsigned;
inline constexpr Commands kBare = 1U << 0U;  ///< `smith` without a command: Oracle's Smith
inline constexpr Commands kBuild = 1U << 1U;
inline constexpr Commands kLock = 1U << 2U;
inline constexpr Commands kUpdate = 1U << 3U;
inline constexpr Commands kFetch = 1U << 4U;
inline constexpr Commands kRun = 1U << 5U;
inline constexpr Commands kTest = 1U << 6U;
inline constexpr Commands kInspect = 1U << 7U;
inline constexpr Commands kLs = 1U << 8U;
inline constexpr Commands kWhy = 1U << 9U;
inline constexpr Commands kHelp = 1U << 10U;
inline constexpr Commands kOutdated = 1U << 11U;
inline constexpr Commands kImport = 1U << 12U;
inline constexpr Commands kWhyPackage = 1U << 13U;
inline constexpr Commands kRepo = 1U << 14U;
inline constexpr Commands kLogin = 1U << 15U;
inline constexpr Commands kLogout = 1U << 16U;
inline constexpr Commands kBundle = 1U << 17U;
inline constexpr Commands kTags = 1U << 18U;
inline constexpr Commands kDelete = 1U << 19U;
inline constexpr Commands kCopy = 1U << 20U;
inline constexpr Commands kPush = 1U << 21U;
inline constexpr Commands kPull = 1U << 22U;
inline constexpr Commands kUpload = 1U << 23U;
inline constexpr Commands kDownload = 1U << 24U;
inline constexpr Commands kIndex = 1U << 25U;
inline constexpr Commands kCat = 1U << 26U;
inline constexpr Commands kDiff = 1U << 27U;
inline constexpr Commands kVerify = 1U << 28U;
inline constexpr Commands kSign = 1U << 29U;
inline constexpr Commands kConvert = 1U << 30U;
inline constexpr Commands kInit = 1U << 31U;

inline constexpr Commands kResolving = kBare | kBuild | kLock | kUpdate | kOutdated | kFetch;
/// Those that look for repositories.
inline constexpr Commands kAsking = kResolving | kRepo;
/// Those that ask a registry, if need be.
inline constexpr Commands kCopying = kCopy | kPush | kPull | kUpload | kDownload | kIndex;
/// Those that are given an image to look into.
inline constexpr Commands kReading = kTest | kRun | kBundle | kInspect | kLs | kCat | kWhy | kDiff | kVerify;
inline constexpr Commands kLooking = kTest | kInspect | kLs | kCat | kWhy | kWhyPackage | kDiff | kVerify;
inline constexpr Commands kAll = kAsking | kConvert | kInit | kRun | kBundle | kLooking | kImport | kCopying | kTags |
                                 kDelete | kSign | kLogin | kLogout;

struct CommandInfo {
    Commands bit;
    std::string_view name;      ///< "" for kBare
    std::string_view summary;   ///< a line in the list of commands
    std::string_view synopsis;  ///< behind "smith "
    std::string_view purpose;   ///< a paragraph
    std::string_view example;   ///< lines of a shell
};

[[nodiscard]] std::span<const CommandInfo> command_table();

/// Null when there is no such command.
[[nodiscard]] const CommandInfo* find_command(std::string_view name);
[[nodiscard]] const CommandInfo& command_info(Commands bit);

/// Of all that somebody may have meant.
[[nodiscard]] std::vector<std::string_view> command_names();

}  // namespace smith::cli
