// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/text.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace smith::cli {

namespace {

std::string two_digits(std::int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); }

void append_hex(std::string& out, unsigned char byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\x";
    out += digits[byte >> 4U];
    out += digits[byte & 0x0fU];
}

/// Bytes or items a second since the phase began; 0 as long as that would be a guess.
std::uint64_t rate_of(const Progress& progress) {
    constexpr std::chrono::milliseconds kTooSoon{500};
    if (progress.elapsed < kTooSoon || progress.done <= progress.done_at_start) return 0;
    const auto ms = static_cast<std::uint64_t>(progress.elapsed.count());
    return (progress.done - progress.done_at_start) * 1000 / ms;
}

std::string amount(const Progress& progress, std::uint64_t value) {
    return progress.bytes ? format_bytes(value) : std::to_string(value);
}

std::uint64_t percent(const Progress& progress) {
    // In this order: a total may be large enough for `done * 100` to overflow.
    if (progress.done >= progress.total) return 100;
    return progress.total >= 100 ? std::min<std::uint64_t>(progress.done / (progress.total / 100), 99)
                                 : progress.done * 100 / progress.total;
}

std::string bar(const Progress& progress) {
    constexpr std::uint64_t kBarWidth = 10;
    const auto full = static_cast<std::size_t>(percent(progress) * kBarWidth / 100);
    return "[" + std::string(full, '#') + std::string(kBarWidth - full, '-') + "]";
}

/// True for the bytes that terminals obey instead of showing them: C0, DEL, and C1 as UTF-8 spells it.
bool is_control(std::string_view sequence) {
    const auto byte = static_cast<unsigned char>(sequence[0]);
    if (sequence.size() == 1) return byte < 0x20U || byte == 0x7fU;
    return sequence.size() == 2 && byte == 0xc2U && static_cast<unsigned char>(sequence[1]) < 0xa0U;
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 6> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) return std::to_string(bytes) + " B";
    std::size_t unit = 0;
    while (bytes >= 1024 * 1024 && unit + 1 < kUnits.size()) {
        bytes /= 1024;
        ++unit;
    }
    const std::uint64_t tenths = bytes * 10 / 1024;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + std::string(kUnits.at(unit));
}

std::string format_duration(std::chrono::seconds duration) {
    const std::int64_t all = duration.count();
    if (all < 60) return std::to_string(all) + " s";
    const std::int64_t hours = all / 3600;
    const std::int64_t minutes = all / 60 % 60;
    const std::string seconds = two_digits(all % 60);
    if (hours == 0) return std::to_string(minutes) + ":" + seconds;
    return std::to_string(hours) + ":" + two_digits(minutes) + ":" + seconds;
}

std::string format_count(std::uint64_t count, std::string_view one, std::string_view many) {
    return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string printable(std::string_view text, Lines lines) {
    std::string out;
    while (!text.empty()) {
        const std::size_t length = utf8_sequence_length(text);
        const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
        const bool wanted = lines == Lines::keep && (sequence == "\n" || sequence == "\t");
        if (length == 0 || (is_control(sequence) && !wanted)) {
            for (const char c : sequence) append_hex(out, static_cast<unsigned char>(c));
        } else {
            out += sequence;
        }
        text.remove_prefix(sequence.size());
    }
    return out;
}

std::string name_for_terminal(std::string_view name) {
    std::string shown = printable(name);
    return shown == name ? shown : "'" + shown + "'";
}

std::string command_line(const std::vector<std::string>& words) {
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    std::string out;
    for (const std::string& word : words) {
        if (!out.empty()) out += ' ';
        if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
            out += word;
            continue;
        }
        out += '\'';
        for (const char c : printable(word)) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
        out += '\'';
    }
    return out;
}

std::string progress_line(const Progress& progress, std::size_t columns) {
    std::string line(progress.phase);
    const std::uint64_t rate = rate_of(progress);
    if (progress.total > 0) {
        const std::string share = std::to_string(percent(progress));
        line += " " + bar(progress) + " " + std::string(3 - share.size(), ' ') + share + "%";
        line += "  " + amount(progress, progress.done) + "/" + amount(progress, progress.total);
    } else {
        line += "  " + amount(progress, progress.done);
    }
    if (progress.bytes && rate > 0) line += "  " + format_bytes(rate) + "/s";
    if (rate > 0 && progress.total > progress.done) {
        const std::uint64_t left = (progress.total - progress.done) / rate;
        // More than a day is no forecast.
        if (left < 86400) line += "  " + format_duration(std::chrono::seconds(left)) + " left";
    }
    if (line.size() > columns) line.resize(columns);
    return line;
}

std::string progress_words(const Progress& progress) {
    std::string words = std::string(progress.phase) + ": " + amount(progress, progress.done);
    if (progress.total > 0) words += " of " + amount(progress, progress.total);
    return words;
}

}  // namespace smith::cli
