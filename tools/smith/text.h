// SPDX-License-Identifier: Apache-2.0
//
// Values as people read them, in any locale: ASCII, a point for the decimals.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smith::cli {

/// "812 B", "2.3 MiB"
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
/// "35 s", "2:05", "1:02:05"
[[nodiscard]] std::string format_duration(std::chrono::seconds duration);
/// "1 file", "2 files"
[[nodiscard]] std::string format_count(std::uint64_t count, std::string_view one, std::string_view many);

enum class Lines { escape, keep };

/// `text` with nothing in it that a terminal would obey: control bytes and invalid UTF-8 become \xNN. Lines::keep lets
/// newlines and tabs through.
[[nodiscard]] std::string printable(std::string_view text, Lines lines = Lines::escape);
/// A name for a terminal: as it is where that is safe, else escaped and in single quotes.
[[nodiscard]] std::string name_for_terminal(std::string_view name);
/// Words as somebody would type them in a shell: quoted where needed.
[[nodiscard]] std::string command_line(const std::vector<std::string>& words);

/// What is being counted, as far as it got.
struct Progress {
    std::string_view phase;
    bool bytes = false;  ///< else items
    std::uint64_t done = 0;
    std::uint64_t total = 0;  ///< 0: not known
    std::uint64_t done_at_start = 0;
    std::chrono::milliseconds elapsed{0};
};

/// "packages [#####-----]  50%  1.0 MiB/2.0 MiB  512.0 KiB/s  2 s left", cut to `columns`.
[[nodiscard]] std::string progress_line(const Progress& progress, std::size_t columns);
/// "packages: 1.0 MiB of 2.0 MiB"
[[nodiscard]] std::string progress_words(const Progress& progress);

}  // namespace smith::cli
