// SPDX-License-Identifier: Apache-2.0
#include "builder/duration.h"

#include <array>
#include <cstdint>

#include "base/error.h"

namespace smith::builder {

namespace {

struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
};

// From large to small, which is the order of writing. "m" comes after "ms" to be read, so reading takes the longest.
constexpr std::array<Unit, 6> kUnits{{{"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw Error(ErrorKind::spec, quote(text) + " " + std::string(why));
}

[[noreturn]] void refuse_form(std::string_view text) {
    refuse(text, "is not a duration; write 10s, 1m30s, 500ms or a number of seconds");
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

const Unit* unit_at(std::string_view rest) {
    const Unit* longest = nullptr;
    for (const Unit& unit : kUnits) {
        if (rest.starts_with(unit.name) && (longest == nullptr || unit.name.size() > longest->name.size())) {
            longest = &unit;
        }
    }
    return longest;
}

/// One "1.5h". What is read is taken off the front of `rest`.
std::int64_t take_part(std::string_view text, std::string_view& rest) {
    std::int64_t whole = 0;
    std::int64_t fraction = 0;
    std::int64_t fraction_scale = 1;
    std::size_t digits = 0;
    for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1), ++digits) {
        if (whole > kMaxDuration.count() / 10) refuse(text, "is too long a duration");
        whole = whole * 10 + (rest.front() - '0');
    }
    if (!rest.empty() && rest.front() == '.') {
        rest.remove_prefix(1);
        for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1), ++digits) {
            // Below a nanosecond of an hour nothing is left to say; as in Go, the rest is read and dropped.
            if (fraction_scale >= 1'000'000'000) continue;
            fraction = fraction * 10 + (rest.front() - '0');
            fraction_scale *= 10;
        }
    }
    const Unit* unit = unit_at(rest);
    if (digits == 0 || unit == nullptr) refuse_form(text);
    rest.remove_prefix(unit->name.size());
    if (whole > kMaxDuration.count() / unit->nanoseconds) refuse(text, "is too long a duration");
    // Split, because an hour times a fraction of nine digits needs more than 64 bits.
    const std::int64_t small =
        unit->nanoseconds / fraction_scale * fraction + unit->nanoseconds % fraction_scale * fraction / fraction_scale;
    return whole * unit->nanoseconds + small;
}

bool is_plain_number(std::string_view text) {
    for (const char c : text) {
        if (!is_digit(c)) return false;
    }
    return !text.empty();
}

}  // namespace

std::chrono::nanoseconds parse_duration(std::string_view text) {
    if (text.empty()) refuse_form(text);
    const std::string spelled = is_plain_number(text) ? std::string(text) + "s" : std::string(text);
    std::string_view rest = spelled;
    std::int64_t total = 0;
    while (!rest.empty()) {
        const std::int64_t part = take_part(text, rest);
        if (part > kMaxDuration.count() - total) refuse(text, "is too long a duration");
        total += part;
    }
    return std::chrono::nanoseconds(total);
}

std::string format_duration(std::chrono::nanoseconds duration) {
    std::string out;
    std::int64_t left = duration.count();
    for (const Unit& unit : kUnits) {
        const std::int64_t count = left / unit.nanoseconds;
        left %= unit.nanoseconds;
        if (count != 0) out += std::to_string(count) + std::string(unit.name);
    }
    return out.empty() ? "0s" : out;
}

}  // namespace smith::builder
