// SPDX-License-Identifier: Apache-2.0
//
// `linux.resources` of config.json, which `railcar update` reads too (runtime-spec config-linux.md, "Control groups").
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/error.h"
#include "base/json.h"
#include "runtime/config_parts.h"

namespace smith::runtime {

namespace {

void read(const JsonView& value, std::optional<std::int64_t>& out) {
    if (value.present()) out = value.integer(INT64_MIN, INT64_MAX);
}

template <typename Number>
void read(const JsonView& value, std::optional<Number>& out) {
    if (value.present()) out = static_cast<Number>(value.unsigned_integer(std::numeric_limits<Number>::max()));
}

void read(const JsonView& value, std::optional<bool>& out) {
    if (value.present()) out = value.boolean_or(false);
}

/// A number of a device, or -1 or nothing for all.
std::optional<std::int64_t> device_number(const JsonView& value) {
    if (!value.present()) return std::nullopt;
    const std::int64_t number = value.integer(-1, UINT32_MAX);
    return number < 0 ? std::nullopt : std::optional(number);
}

DeviceRule parse_rule(const JsonView& entry) {
    DeviceRule rule;
    rule.allow = entry["allow"].boolean_or(false);
    const std::string type = entry["type"].string_or("a");
    if (type == "c" || type == "b") {
        rule.type = type.front();
    } else if (type != "a" && !type.empty()) {
        entry["type"].fail("is " + quote(type) + "; a device rule is about 'a', 'b' or 'c'");
    }
    rule.major = device_number(entry["major"]);
    rule.minor = device_number(entry["minor"]);
    const std::string access = entry["access"].string_or("rwm");
    for (const char way : access.empty() ? "rwm" : access) {
        if (way == 'r') rule.read = true;
        if (way == 'w') rule.write = true;
        if (way == 'm') rule.make = true;
        if (way != 'r' && way != 'w' && way != 'm') entry["access"].fail("is made of other letters than 'r', 'w', 'm'");
    }
    return rule;
}

MemoryResources parse_memory(const JsonView& memory) {
    MemoryResources out;
    read(memory["limit"], out.limit);
    read(memory["reservation"], out.reservation);
    read(memory["swap"], out.swap);
    read(memory["kernel"], out.kernel);
    read(memory["kernelTCP"], out.kernel_tcp);
    if (memory["swappiness"].present()) out.swappiness = memory["swappiness"].unsigned_integer(200);
    read(memory["disableOOMKiller"], out.disable_oom_killer);
    read(memory["useHierarchy"], out.use_hierarchy);
    out.check_before_update = memory["checkBeforeUpdate"].boolean_or(false);
    return out;
}

/// "0-3,7": what goes into a cpuset's file goes there as it is, so it must be nothing else.
std::string parse_list(const JsonView& list) {
    std::string text = list.string_or("");
    if (text.find_first_not_of("0123456789,-") != std::string::npos) list.fail("is no list of numbers, as '0-3,7' is");
    return text;
}

CpuResources parse_cpu(const JsonView& cpu) {
    CpuResources out;
    read(cpu["shares"], out.shares);
    read(cpu["quota"], out.quota);
    read(cpu["burst"], out.burst);
    read(cpu["period"], out.period);
    read(cpu["realtimeRuntime"], out.realtime_runtime);
    read(cpu["realtimePeriod"], out.realtime_period);
    out.cpus = parse_list(cpu["cpus"]);
    out.mems = parse_list(cpu["mems"]);
    read(cpu["idle"], out.idle);
    if (out.burst && out.quota && *out.quota > 0 && *out.burst > static_cast<std::uint64_t>(*out.quota)) {
        cpu["burst"].fail("is larger than 'quota'");
    }
    return out;
}

BlockDevice block_device(const JsonView& entry, const char* value) {
    return {entry["major"].integer(0, UINT32_MAX), entry["minor"].integer(0, UINT32_MAX),
            entry[value].unsigned_integer(UINT64_MAX)};
}

std::vector<BlockDevice> rates(const JsonView& list) {
    std::vector<BlockDevice> out;
    for (const JsonView& entry : list.elements()) out.push_back(block_device(entry, "rate"));
    return out;
}

BlockIoResources parse_block_io(const JsonView& io) {
    BlockIoResources out;
    read(io["weight"], out.weight);
    read(io["leafWeight"], out.leaf_weight);
    for (const JsonView& entry : io["weightDevice"].elements()) {
        const bool leaf = entry["leafWeight"].present();
        if (!leaf && !entry["weight"].present()) entry.fail("has neither 'weight' nor 'leafWeight'");
        if (entry["weight"].present()) out.weight_devices.push_back(block_device(entry, "weight"));
        if (leaf) out.leaf_weight_devices.push_back(block_device(entry, "leafWeight"));
    }
    out.read_bps = rates(io["throttleReadBpsDevice"]);
    out.write_bps = rates(io["throttleWriteBpsDevice"]);
    out.read_iops = rates(io["throttleReadIOPSDevice"]);
    out.write_iops = rates(io["throttleWriteIOPSDevice"]);
    return out;
}

/// A word that becomes part of a file's name or of a line in it.
std::string parse_word(const JsonView& word, std::string_view also) {
    std::string text = word.string();
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!plain && also.find(c) == std::string_view::npos)
            word.fail("is " + quote(text) + ", which is no such name");
    }
    if (text.empty()) word.fail("is empty");
    return text;
}

void parse_rdma(const JsonView& devices, Resources& out) {
    for (const std::string& name : devices.keys()) {
        RdmaLimit& limit = out.rdma[name];
        if (name.empty() || name.find_first_of(" \n\t") != std::string::npos) devices[name].fail("is no device's name");
        read(devices[name]["hcaHandles"], limit.handles);
        read(devices[name]["hcaObjects"], limit.objects);
        if (!limit.handles && !limit.objects) devices[name].fail("has neither 'hcaHandles' nor 'hcaObjects'");
    }
}

void parse_unified(const JsonView& files, Resources& out) {
    for (const std::string& file : files.keys()) {
        // Only a file of the cgroup itself; and never one that moves processes or hands on control.
        if (file.empty() || file.find('/') != std::string::npos || file.front() == '.') {
            files[file].fail("is no file of a cgroup");
        }
        out.unified[file] = files[file].string();
    }
}

}  // namespace

Resources parse_resources(const JsonView& resources) {
    Resources out;
    out.memory = parse_memory(resources["memory"]);
    out.cpu = parse_cpu(resources["cpu"]);
    out.block_io = parse_block_io(resources["blockIO"]);
    read(resources["pids"]["limit"], out.pids);
    for (const JsonView& entry : resources["hugepageLimits"].elements()) {
        out.huge_pages.push_back({parse_word(entry["pageSize"], ""), entry["limit"].unsigned_integer(UINT64_MAX)});
    }
    read(resources["network"]["classID"], out.network.class_id);
    for (const JsonView& entry : resources["network"]["priorities"].elements()) {
        out.network.priorities.emplace_back(parse_word(entry["name"], "-.:@"),
                                            static_cast<std::uint32_t>(entry["priority"].unsigned_integer(UINT32_MAX)));
    }
    parse_rdma(resources["rdma"], out);
    parse_unified(resources["unified"], out);
    for (const JsonView& entry : resources["devices"].elements()) out.devices.push_back(parse_rule(entry));
    return out;
}

Resources parse_resources(std::string_view text) {
    if (text.size() > limits::kMaxConfigBytes) throw Error(ErrorKind::spec, "the resources are too long");
    const nlohmann::json document = parse_json(text);
    if (!document.is_object()) throw Error(ErrorKind::spec, "the document is not an object");
    return parse_resources(JsonView(&document));
}

}  // namespace smith::runtime
