// SPDX-License-Identifier: Apache-2.0
//
// What a container has used, as `runc events --stats` says it: podman, containerd and cAdvisor read that shape.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/json.h"
#include "runtime/cgroups.h"

namespace smith::runtime {

namespace {

using nlohmann::json;

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// "max" is the largest number there is, as version 1 has it.
std::uint64_t number_in(const std::optional<std::string>& file) {
    if (!file) return 0;
    return file->starts_with("max") ? UINT64_MAX : number_of(*file);
}

/// Lines of "key value".
json table_of(const std::string& text) {
    json out = json::object();
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = std::string_view(text).substr(at, end - at);
        const std::size_t space = line.find(' ');
        if (space != std::string_view::npos)
            out[std::string(line.substr(0, space))] = number_of(line.substr(space + 1));
        at = end + 1;
    }
    return out;
}

std::uint64_t at(const json& table, const char* key) { return table.value(key, std::uint64_t{0}); }

/// Reads the files of one cgroup, of whichever version has them.
class Reader {
public:
    explicit Reader(const Cgroup& cgroup) : cgroup_(cgroup) {}

    [[nodiscard]] bool legacy(const char* controller) const { return cgroup_.directory_of(controller).has_value(); }
    [[nodiscard]] std::uint64_t number(const char* controller, const std::string& file) const {
        return number_in(cgroup_.read(controller, file));
    }
    [[nodiscard]] json table(const char* controller, const char* file) const {
        return table_of(cgroup_.read(controller, file).value_or(""));
    }
    [[nodiscard]] std::string text(const char* controller, const char* file) const {
        return cgroup_.read(controller, file).value_or("");
    }

private:
    const Cgroup& cgroup_;
};

json throttling(const json& table, const char* time_key, std::uint64_t unit_ns) {
    return {{"periods", at(table, "nr_periods")},
            {"throttledPeriods", at(table, "nr_throttled")},
            {"throttledTime", at(table, time_key) * unit_ns}};
}

json numbers(const std::string& text) {
    json out = json::array();
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
        if (end > at) out.push_back(number_of(std::string_view(text).substr(at, end - at)));
        at = end + 1;
    }
    return out;
}

json cpu(const Reader& reader) {
    json usage;
    json throttled;
    if (reader.legacy("cpuacct")) {
        // In ticks of 1/100 s: USER_HZ, the same on every architecture that we know.
        constexpr std::uint64_t tick_ns = 10'000'000;
        const json split = reader.table("cpuacct", "cpuacct.stat");
        usage = {{"total", reader.number("cpuacct", "cpuacct.usage")},
                 {"percpu", numbers(reader.text("cpuacct", "cpuacct.usage_percpu"))},
                 {"kernel", at(split, "system") * tick_ns},
                 {"user", at(split, "user") * tick_ns}};
    } else {
        const json split = reader.table("", "cpu.stat");
        usage = {{"total", at(split, "usage_usec") * 1000},
                 {"kernel", at(split, "system_usec") * 1000},
                 {"user", at(split, "user_usec") * 1000}};
    }
    if (reader.legacy("cpu")) {
        throttled = throttling(reader.table("cpu", "cpu.stat"), "throttled_time", 1);
    } else {
        throttled = throttling(reader.table("", "cpu.stat"), "throttled_usec", 1000);
    }
    return {{"usage", usage}, {"throttling", throttled}};
}

json memory_entry(const Reader& reader, const std::string& prefix) {
    return {{"limit", reader.number("memory", prefix + ".limit_in_bytes")},
            {"usage", reader.number("memory", prefix + ".usage_in_bytes")},
            {"max", reader.number("memory", prefix + ".max_usage_in_bytes")},
            {"failcnt", reader.number("memory", prefix + ".failcnt")}};
}

json memory(const Reader& reader) {
    if (reader.legacy("memory")) {
        const json raw = reader.table("memory", "memory.stat");
        return {{"cache", at(raw, "cache")},
                {"usage", memory_entry(reader, "memory")},
                {"swap", memory_entry(reader, "memory.memsw")},
                {"kernel", memory_entry(reader, "memory.kmem")},
                {"kernelTCP", memory_entry(reader, "memory.kmem.tcp")},
                {"raw", raw}};
    }
    const json raw = reader.table("", "memory.stat");
    const json events = reader.table("", "memory.events");
    return {{"cache", at(raw, "file")},
            {"usage",
             {{"limit", reader.number("", "memory.max")},
              {"usage", reader.number("", "memory.current")},
              {"max", reader.number("", "memory.peak")},
              {"failcnt", at(events, "max")}}},
            {"swap",
             {{"limit", reader.number("", "memory.swap.max")}, {"usage", reader.number("", "memory.swap.current")}}},
            {"raw", raw}};
}

/// Version 1's "8:0 Read 4096".
json block_io_lines(const std::string& text) {
    json out = json::array();
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = std::string_view(text).substr(at, end - at);
        at = end + 1;
        const std::size_t colon = line.find(':');
        const std::size_t space = line.find(' ');
        const std::size_t last = line.rfind(' ');
        if (colon == std::string_view::npos || space == last || colon > space) continue;
        out.push_back({{"major", number_of(line)},
                       {"minor", number_of(line.substr(colon + 1))},
                       {"op", std::string(line.substr(space + 1, last - space - 1))},
                       {"value", number_of(line.substr(last + 1))}});
    }
    return out;
}

/// Version 2's "8:0 rbytes=4096 wbytes=0 rios=1 wios=0".
void io_stat(const std::string& text, json& bytes, json& operations) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = std::string_view(text).substr(at, end - at);
        at = end + 1;
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const auto add = [&](json& list, std::string_view key, const char* op) {
            const std::size_t found = line.find(key);
            if (found == std::string_view::npos) return;
            list.push_back({{"major", number_of(line)},
                            {"minor", number_of(line.substr(colon + 1))},
                            {"op", op},
                            {"value", number_of(line.substr(found + key.size()))}});
        };
        add(bytes, " rbytes=", "Read");
        add(bytes, " wbytes=", "Write");
        add(operations, " rios=", "Read");
        add(operations, " wios=", "Write");
    }
}

json block_io(const Reader& reader) {
    json bytes = json::array();
    json operations = json::array();
    if (reader.legacy("blkio")) {
        bytes = block_io_lines(reader.text("blkio", "blkio.throttle.io_service_bytes_recursive"));
        operations = block_io_lines(reader.text("blkio", "blkio.throttle.io_serviced_recursive"));
    } else {
        io_stat(reader.text("", "io.stat"), bytes, operations);
    }
    return {{"ioServiceBytesRecursive", bytes}, {"ioServicedRecursive", operations}};
}

json pids(const Reader& reader) {
    const char* controller = reader.legacy("pids") ? "pids" : "";
    const std::uint64_t limit = reader.number(controller, "pids.max");
    // 0 is runc's word for "no limit" here.
    return {{"current", reader.number(controller, "pids.current")}, {"limit", limit == UINT64_MAX ? 0 : limit}};
}

}  // namespace

std::string Cgroup::stats() const {
    const Reader reader(*this);
    return dump_json({{"cpu", cpu(reader)},
                      {"cpuset", json::object()},
                      {"memory", memory(reader)},
                      {"pids", pids(reader)},
                      {"blkio", block_io(reader)},
                      {"hugetlb", json::object()},
                      {"intel_rdt", json::object()},
                      {"network_interfaces", nullptr}});
}

}  // namespace smith::runtime
