// SPDX-License-Identifier: Apache-2.0
//
// `linux.resources` as a value, and its translation into the files of a cgroup: what is written where, in which order,
// for version 1 and for version 2. The translation is a pure function; cgroups.h does the writing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smith::runtime {

/// -1 means "no limit" wherever a number is signed.
struct MemoryResources {
    std::optional<std::int64_t> limit;
    std::optional<std::int64_t> reservation;
    std::optional<std::int64_t> swap;  ///< memory and swap together
    std::optional<std::int64_t> kernel;
    std::optional<std::int64_t> kernel_tcp;
    std::optional<std::uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
    std::optional<bool> use_hierarchy;
    bool check_before_update = false;
    bool operator==(const MemoryResources&) const = default;
};

struct CpuResources {
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;
    std::optional<std::uint64_t> burst;
    std::optional<std::uint64_t> period;
    std::optional<std::int64_t> realtime_runtime;
    std::optional<std::uint64_t> realtime_period;
    std::string cpus;
    std::string mems;
    std::optional<std::int64_t> idle;
    bool operator==(const CpuResources&) const = default;
};

/// One device of `blockIO`, with what is said about it.
struct BlockDevice {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::uint64_t value = 0;
    bool operator==(const BlockDevice&) const = default;
};

struct BlockIoResources {
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;
    std::vector<BlockDevice> weight_devices;
    std::vector<BlockDevice> leaf_weight_devices;
    std::vector<BlockDevice> read_bps;
    std::vector<BlockDevice> write_bps;
    std::vector<BlockDevice> read_iops;
    std::vector<BlockDevice> write_iops;
    bool operator==(const BlockIoResources&) const = default;
};

struct HugePageLimit {
    std::string page_size;  ///< "2MB"
    std::uint64_t limit = 0;
    bool operator==(const HugePageLimit&) const = default;
};

struct NetworkResources {
    std::optional<std::uint32_t> class_id;
    std::vector<std::pair<std::string, std::uint32_t>> priorities;  ///< interface and its priority
    bool operator==(const NetworkResources&) const = default;
};

struct RdmaLimit {
    std::optional<std::uint32_t> handles;
    std::optional<std::uint32_t> objects;
    bool operator==(const RdmaLimit&) const = default;
};

/// One entry of `resources.devices`.
struct DeviceRule {
    bool allow = false;
    char type = 'a';                    ///< 'a', 'b' or 'c'
    std::optional<std::int64_t> major;  ///< none: all
    std::optional<std::int64_t> minor;  ///< none: all
    bool read = false;
    bool write = false;
    bool make = false;  ///< mknod
    bool operator==(const DeviceRule&) const = default;
};

struct Resources {
    MemoryResources memory;
    CpuResources cpu;
    BlockIoResources block_io;
    std::optional<std::int64_t> pids;
    std::vector<HugePageLimit> huge_pages;
    NetworkResources network;
    std::map<std::string, RdmaLimit> rdma;
    std::map<std::string, std::string> unified;  ///< file name -> what is written
    std::vector<DeviceRule> devices;

    /// Is anything limited, device rules aside?
    [[nodiscard]] bool limits_anything() const;
    bool operator==(const Resources&) const = default;
};

/// What goes into one file.
struct CgroupWrite {
    std::string controller;  ///< "memory": whose file it is, and which one must be there
    std::string file;        ///< "memory.limit_in_bytes"
    std::string value;
    /// Tried in its place where it is missing: "blkio.bfq.weight", with a value of its own unless that is empty.
    std::string other_file;
    std::string other_value;
    /// A file that newer kernels have lost: without it there is a warning, not an error.
    bool may_be_missing = false;
    /// The kernel refuses it (EINVAL) as long as the next one stands as it was: then the two change places.
    bool may_swap_with_next = false;
    bool operator==(const CgroupWrite&) const = default;
};

[[nodiscard]] std::vector<CgroupWrite> writes_for_v1(const Resources& resources);
/// Throws Error (spec) for what version 2 has no equivalent of.
[[nodiscard]] std::vector<CgroupWrite> writes_for_v2(const Resources& resources);

/// `resources` without what the version 1 controllers that `has_v1` knows take care of: what is left for version 2.
[[nodiscard]] Resources left_for_v2(Resources resources, const std::function<bool(std::string_view)>& has_v1);

}  // namespace smith::runtime
