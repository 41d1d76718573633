// SPDX-License-Identifier: Apache-2.0
//
// Limits as properties of a unit. They are translated from what is written to the cgroup, file by file, so that both
// say the same, `unified` included.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/split.h"
#include "runtime/systemd_unit.h"

namespace smith::runtime {

namespace {

constexpr std::uint64_t kInfinity = std::numeric_limits<std::uint64_t>::max();
// CONFIG_NR_CPUS is at most 8192, and there are fewer nodes of memory.
constexpr std::uint64_t kHighestProcessor = 8191;
// The kernel's own where none is given, and what systemd rounds a quota to: one percent of a second.
constexpr std::uint64_t kDefaultPeriod = 100000;
constexpr std::uint64_t kQuotaStep = 10000;
constexpr std::uint64_t kMicroseconds = 1000000;
// Since when there are CPUQuotaPeriodUSec, CPUWeight=0 for cpu.idle, and OOMPolicy of scopes.
constexpr unsigned kHasQuotaPeriod = 242;
constexpr unsigned kHasIdle = 252;
constexpr unsigned kHasOomPolicy = 253;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\n";
    const std::size_t first = text.find_first_not_of(space);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::optional<std::uint64_t> parse_digits(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

/// "max", "-1", or a number, with the letters that the kernel takes ("512M").
std::optional<std::uint64_t> parse_amount(std::string_view text) {
    text = trimmed(text);
    if (text == "max" || text == "-1") return kInfinity;
    unsigned shift = 0;
    if (!text.empty()) {
        const std::size_t letter = std::string_view("KMGTkmgt").find(text.back());
        if (letter != std::string_view::npos) {
            shift = 10 * (static_cast<unsigned>(letter % 4) + 1);
            text.remove_suffix(1);
        }
    }
    const auto value = parse_digits(text);
    if (!value || *value > kInfinity >> shift) return std::nullopt;
    return *value << shift;
}

/// "100" and "default 100", not "8:0 100".
std::optional<std::uint64_t> parse_weight(std::string_view text) {
    text = trimmed(text);
    constexpr std::string_view all = "default ";
    if (text.starts_with(all)) text = trimmed(text.substr(all.size()));
    return parse_digits(text);
}

/// "0-3,7" as systemd has it: bit n of byte m is number 8 * m + n.
std::optional<std::vector<std::uint8_t>> parse_mask(std::string_view text) {
    std::vector<std::uint8_t> out;
    for (const std::string_view part : split(trimmed(text), ',')) {
        const std::size_t dash = std::min(part.find('-'), part.size());
        const auto first = parse_digits(trimmed(part.substr(0, dash)));
        const auto last = dash == part.size() ? first : parse_digits(trimmed(part.substr(dash + 1)));
        if (!first || !last || *first > *last || *last > kHighestProcessor) return std::nullopt;
        if (out.size() <= *last / 8) out.resize(*last / 8 + 1);
        for (std::uint64_t bit = *first; bit <= *last; ++bit) out[bit / 8] |= static_cast<std::uint8_t>(1U << bit % 8);
    }
    return out;
}

enum class Form { amount, weight, mask };

/// A file, and the property that says the same. A number out of its bounds makes systemd refuse all properties.
struct Translation {
    const char* file;
    const char* property;
    Form form;
    unsigned since;
    std::uint64_t lowest = 0;
    std::uint64_t highest = kInfinity;
};

constexpr Translation kUnified[] = {
    {"memory.max", "MemoryMax", Form::amount, 231, 1},       {"memory.high", "MemoryHigh", Form::amount, 231, 1},
    {"memory.low", "MemoryLow", Form::amount, 231},          {"memory.min", "MemoryMin", Form::amount, 240},
    {"memory.swap.max", "MemorySwapMax", Form::amount, 232}, {"memory.zswap.max", "MemoryZSwapMax", Form::amount, 253},
    {"pids.max", "TasksMax", Form::amount, 227, 1},          {"cpu.weight", "CPUWeight", Form::weight, 232, 1, 10000},
    {"cpuset.cpus", "AllowedCPUs", Form::mask, 244},         {"cpuset.mems", "AllowedMemoryNodes", Form::mask, 244},
    {"io.weight", "IOWeight", Form::weight, 230, 1, 10000},
};

// What systemd does itself in version 1; cpuset and freezer, for example, are none of its business there.
constexpr Translation kLegacy[] = {
    {"memory.limit_in_bytes", "MemoryLimit", Form::amount, 0, 1},
    {"cpu.shares", "CPUShares", Form::weight, 0, 2, 262144},
    {"blkio.weight", "BlockIOWeight", Form::weight, 0, 10, 1000},
    {"pids.max", "TasksMax", Form::amount, 227, 1},
};

std::optional<DbusValue> translated(const Translation& how, std::string_view value) {
    if (how.form == Form::mask) {
        if (auto mask = parse_mask(value)) return DbusValue(std::move(*mask));
        return std::nullopt;
    }
    const auto number = how.form == Form::amount ? parse_amount(value) : parse_weight(value);
    const bool possible = number && *number >= how.lowest && *number <= how.highest;
    return possible ? std::optional(DbusValue(*number)) : std::nullopt;
}

/// What a container may use of the processors, of which systemd has two properties and the kernel one file or two.
struct Quota {
    std::optional<std::uint64_t> quota;  ///< microseconds in each period
    std::optional<std::uint64_t> period;
    bool given = false;

    /// "50000 100000", "max": what version 2 has in one file.
    bool read(std::string_view text) {
        const std::vector<std::string_view> words = split(trimmed(text), ' ');
        given = true;
        quota = parse_amount(words[0]);
        if (words.size() == 2) period = parse_digits(words[1]);
        return quota && words.size() <= 2 && (words.size() == 1 || period);
    }

    void add_to(std::vector<DbusProperty>& out, unsigned version) const {
        if (!given) return;
        const std::uint64_t span = period.value_or(0) == 0 ? kDefaultPeriod : *period;
        if (period && *period != 0 && version >= kHasQuotaPeriod) out.push_back({"CPUQuotaPeriodUSec", *period});
        std::uint64_t a_second = kInfinity;
        if (quota && *quota != 0 && *quota <= kInfinity / kMicroseconds - kQuotaStep) {
            // Rounded up: systemd's own file must leave room for what is written to it afterwards.
            a_second = (*quota * kMicroseconds / span + kQuotaStep - 1) / kQuotaStep * kQuotaStep;
        }
        out.push_back({"CPUQuotaPerSecUSec", a_second});
    }
};

class Translator {
public:
    Translator(const SystemdHost& host, std::vector<std::string>& warnings) : host_(host), warnings_(warnings) {}

    void take(const std::string& file, const std::string& value) {
        if (file == "cpu.max") return require(quota_.read(value), file, value);
        if (file == "cpu.cfs_quota_us") return require(quota_.read(value), file, value);
        if (file == "cpu.cfs_period_us") return take_period(value);
        const auto begin = host_.unified ? std::begin(kUnified) : std::begin(kLegacy);
        const auto end = host_.unified ? std::end(kUnified) : std::end(kLegacy);
        const auto* found = std::find_if(begin, end, [&](const Translation& one) { return file == one.file; });
        if (found == end || host_.version < found->since) return;
        const auto translated_value = translated(*found, value);
        require(translated_value.has_value(), file, value);
        if (translated_value) set(found->property, *translated_value);
    }

    /// The weight of an idle cgroup is 0 to systemd.
    void idle() {
        if (host_.version >= kHasIdle) set("CPUWeight", std::uint64_t{0});
    }

    void set(const char* name, DbusValue value) {
        // `unified` comes last, and has the last word.
        const auto former =
            std::find_if(out_.begin(), out_.end(), [&](const DbusProperty& one) { return one.name == name; });
        if (former == out_.end())
            out_.push_back({name, std::move(value)});
        else
            former->value = std::move(value);
    }

    std::vector<DbusProperty> done() {
        quota_.add_to(out_, host_.version);
        return std::move(out_);
    }

private:
    void take_period(const std::string& value) {
        quota_.given = true;
        quota_.period = parse_digits(value);
    }

    void require(bool understood, const std::string& file, const std::string& value) {
        if (understood) return;
        warnings_.push_back("the value " + quote(value) + " of " + quote(file) +
                            " cannot be told to systemd, which may set it back");
    }

    const SystemdHost& host_;
    std::vector<std::string>& warnings_;
    std::vector<DbusProperty> out_;
    Quota quota_;
};

bool is_one(std::string_view value) { return trimmed(value) == "1"; }

}  // namespace

std::vector<DbusProperty> resource_properties(const Resources& resources, const SystemdHost& host, bool creating,
                                              std::vector<std::string>& warnings) {
    Translator out(host, warnings);
    bool idle = false;
    for (const CgroupWrite& one : host.unified ? writes_for_v2(resources) : writes_for_v1(resources)) {
        // systemd knows the weight of version 2's own scheduler, and finds that of BFQ itself.
        if (one.other_file == "io.weight")
            out.take(one.other_file, one.other_value);
        else
            out.take(one.file, one.value);
        idle = idle || (host.unified && one.file == "cpu.idle" && is_one(one.value));
        const bool group = host.unified && one.file == "memory.oom.group" && host.version >= kHasOomPolicy;
        if (creating && group) out.set("OOMPolicy", std::string(is_one(one.value) ? "kill" : "continue"));
    }
    if (idle) out.idle();
    return out.done();
}

}  // namespace smith::runtime
