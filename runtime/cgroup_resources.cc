// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup_resources.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace smith::runtime {

namespace {

std::string text_of(std::integral auto number) { return std::to_string(number); }

std::string number_or_max(std::int64_t number) { return number < 0 ? "max" : std::to_string(number); }

std::string of_device(const BlockDevice& device, const std::string& key = "") {
    return std::to_string(device.major) + ":" + std::to_string(device.minor) + " " + key + std::to_string(device.value);
}

[[noreturn]] void no_equivalent(const std::string& what) {
    throw Error(ErrorKind::spec, "'linux.resources." + what + "' has no equivalent in cgroup version 2");
}

/// Gathers the writes of one version.
class Writes {
public:
    CgroupWrite& add(std::string controller, std::string file, std::string value) {
        writes_.push_back({std::move(controller), std::move(file), std::move(value), "", "", false, false});
        return writes_.back();
    }
    template <typename Number>
    void number(const char* controller, const char* file, const std::optional<Number>& value) {
        if (value) add(controller, file, text_of(*value));
    }
    void devices(const char* controller, const char* file, const std::vector<BlockDevice>& list,
                 const std::string& key = "", const char* other_file = "") {
        for (const BlockDevice& device : list) add(controller, file, of_device(device, key)).other_file = other_file;
    }
    [[nodiscard]] std::vector<CgroupWrite> take() { return std::move(writes_); }

private:
    std::vector<CgroupWrite> writes_;
};

/// The kernel holds to "memory and swap is at least memory" at every moment. So the order depends on what stands there:
/// raising, the sum comes first; lowering, the part.
void memory_limit_v1(const MemoryResources& memory, Writes& out) {
    constexpr const char* part = "memory.limit_in_bytes";
    constexpr const char* sum = "memory.memsw.limit_in_bytes";
    if (memory.limit && *memory.limit == -1 && !memory.swap) {
        // No limit of memory would be one all the same as long as the sum has one. Without swap there is no such file.
        out.add("memory", sum, "-1").may_be_missing = true;
    }
    if (memory.swap && *memory.swap == -1) {
        out.add("memory", sum, "-1");
        out.number("memory", part, memory.limit);
        return;
    }
    if (memory.limit) out.add("memory", part, text_of(*memory.limit)).may_swap_with_next = memory.swap.has_value();
    out.number("memory", sum, memory.swap);
}

void memory_v1(const MemoryResources& memory, Writes& out) {
    memory_limit_v1(memory, out);
    out.number("memory", "memory.soft_limit_in_bytes", memory.reservation);
    if (memory.kernel) out.add("memory", "memory.kmem.limit_in_bytes", text_of(*memory.kernel)).may_be_missing = true;
    if (memory.kernel_tcp) {
        out.add("memory", "memory.kmem.tcp.limit_in_bytes", text_of(*memory.kernel_tcp)).may_be_missing = true;
    }
    out.number("memory", "memory.swappiness", memory.swappiness);
    if (memory.disable_oom_killer) {
        out.add("memory", "memory.oom_control", *memory.disable_oom_killer ? "1" : "0");
    }
    if (memory.use_hierarchy) {
        // Linux 5.11 has no other way than with hierarchy.
        out.add("memory", "memory.use_hierarchy", *memory.use_hierarchy ? "1" : "0").may_be_missing = true;
    }
}

void cpu_v1(const CpuResources& cpu, Writes& out) {
    out.number("cpu", "cpu.shares", cpu.shares);
    // A quota must stay below what the parent's allows in a period: which one comes first depends on what stands there.
    if (cpu.period)
        out.add("cpu", "cpu.cfs_period_us", text_of(*cpu.period)).may_swap_with_next = cpu.quota.has_value();
    if (cpu.quota) out.add("cpu", "cpu.cfs_quota_us", text_of(*cpu.quota)).may_swap_with_next = cpu.burst.has_value();
    out.number("cpu", "cpu.cfs_burst_us", cpu.burst);
    out.number("cpu", "cpu.rt_period_us", cpu.realtime_period);
    out.number("cpu", "cpu.rt_runtime_us", cpu.realtime_runtime);
    // Last: an idle cgroup takes no shares.
    out.number("cpu", "cpu.idle", cpu.idle);
    if (!cpu.cpus.empty()) out.add("cpuset", "cpuset.cpus", cpu.cpus);
    if (!cpu.mems.empty()) out.add("cpuset", "cpuset.mems", cpu.mems);
}

void block_io_v1(const BlockIoResources& io, Writes& out) {
    if (io.weight) out.add("blkio", "blkio.weight", text_of(*io.weight)).other_file = "blkio.bfq.weight";
    out.number("blkio", "blkio.leaf_weight", io.leaf_weight);
    out.devices("blkio", "blkio.weight_device", io.weight_devices, "", "blkio.bfq.weight_device");
    out.devices("blkio", "blkio.leaf_weight_device", io.leaf_weight_devices);
    out.devices("blkio", "blkio.throttle.read_bps_device", io.read_bps);
    out.devices("blkio", "blkio.throttle.write_bps_device", io.write_bps);
    out.devices("blkio", "blkio.throttle.read_iops_device", io.read_iops);
    out.devices("blkio", "blkio.throttle.write_iops_device", io.write_iops);
}

/// The limit of reservations where the kernel has it (5.7): it is hit by mmap, not by a signal later.
void huge_pages(const std::vector<HugePageLimit>& limits, const std::string& file, Writes& out) {
    for (const HugePageLimit& limit : limits) {
        const std::string name = "hugetlb." + limit.page_size + ".";
        out.add("hugetlb", name + "rsvd." + file, text_of(limit.limit)).other_file = name + file;
    }
}

void rdma(const std::map<std::string, RdmaLimit>& devices, Writes& out) {
    for (const auto& [name, limit] : devices) {
        std::string value = name;
        if (limit.handles) value += " hca_handle=" + text_of(*limit.handles);
        if (limit.objects) value += " hca_object=" + text_of(*limit.objects);
        out.add("rdma", "rdma.max", value);
    }
}

void memory_v2(const MemoryResources& memory, Writes& out) {
    if (memory.kernel && *memory.kernel != -1) no_equivalent("memory.kernel");
    if (memory.kernel_tcp && *memory.kernel_tcp != -1) no_equivalent("memory.kernelTCP");
    if (memory.swappiness) no_equivalent("memory.swappiness");
    if (memory.disable_oom_killer.value_or(false)) no_equivalent("memory.disableOOMKiller");
    if (!memory.use_hierarchy.value_or(true)) no_equivalent("memory.useHierarchy");
    if (memory.limit) out.add("memory", "memory.max", number_or_max(*memory.limit));
    // Version 1 limits the sum, version 2 the swap.
    if (memory.swap && *memory.swap == -1) {
        out.add("memory", "memory.swap.max", "max");
    } else if (memory.swap && *memory.swap != 0) {
        if (memory.limit.value_or(-1) < 0) {
            throw Error(ErrorKind::spec,
                        "'linux.resources.memory.swap' is given without a 'limit' to subtract from it");
        }
        if (*memory.swap < *memory.limit) {
            throw Error(ErrorKind::spec, "'linux.resources.memory.swap' is below 'limit', which it includes");
        }
        out.add("memory", "memory.swap.max", text_of(*memory.swap - *memory.limit));
    } else if (memory.limit && *memory.limit == -1 && !memory.swap) {
        out.add("memory", "memory.swap.max", "max").may_be_missing = true;
    }
    if (memory.reservation) out.add("memory", "memory.low", number_or_max(*memory.reservation));
}

/// 2 to 262144 onto 1 to 10000 so that both defaults, 1024 and 100, meet: the curve that runc, crun and Kubernetes have
/// agreed on (KEP-2254).
std::uint64_t weight_of_shares(std::uint64_t shares) {
    if (shares <= 2) return 1;
    if (shares >= 262144) return 10000;
    const double l = std::log2(static_cast<double>(shares));
    return static_cast<std::uint64_t>(std::ceil(std::pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0)));
}

void cpu_v2(const CpuResources& cpu, Writes& out) {
    if (cpu.realtime_runtime.value_or(0) != 0) no_equivalent("cpu.realtimeRuntime");
    if (cpu.realtime_period.value_or(0) != 0) no_equivalent("cpu.realtimePeriod");
    // 0: what encoders of other languages write for "not given".
    if (cpu.shares && *cpu.shares != 0) out.add("cpu", "cpu.weight", text_of(weight_of_shares(*cpu.shares)));
    if (cpu.quota || cpu.period) {
        const bool limited = cpu.quota && *cpu.quota > 0;
        std::string value = limited ? text_of(*cpu.quota) : "max";
        if (cpu.period && *cpu.period != 0) value += " " + text_of(*cpu.period);
        out.add("cpu", "cpu.max", value).may_swap_with_next = cpu.burst.has_value();
    }
    out.number("cpu", "cpu.max.burst", cpu.burst);
    out.number("cpu", "cpu.idle", cpu.idle);
    if (!cpu.cpus.empty()) out.add("cpuset", "cpuset.cpus", cpu.cpus);
    if (!cpu.mems.empty()) out.add("cpuset", "cpuset.mems", cpu.mems);
}

void block_io_v2(const BlockIoResources& io, Writes& out) {
    if (io.leaf_weight) no_equivalent("blockIO.leafWeight");
    if (!io.leaf_weight_devices.empty()) no_equivalent("blockIO.weightDevice[].leafWeight");
    if (io.weight && *io.weight != 0) {
        CgroupWrite& write = out.add("io", "io.bfq.weight", text_of(*io.weight));
        write.other_file = "io.weight";
        // 10 to 1000 onto 1 to 10000.
        write.other_value = text_of(1 + (std::max<unsigned>(*io.weight, 10) - 10) * 9999 / 990);
    }
    out.devices("io", "io.bfq.weight", io.weight_devices);
    out.devices("io", "io.max", io.read_bps, "rbps=");
    out.devices("io", "io.max", io.write_bps, "wbps=");
    out.devices("io", "io.max", io.read_iops, "riops=");
    out.devices("io", "io.max", io.write_iops, "wiops=");
}

}  // namespace

bool Resources::limits_anything() const {
    Resources others = *this;
    others.devices.clear();
    return others != Resources{};
}

std::vector<CgroupWrite> writes_for_v1(const Resources& resources) {
    Writes out;
    memory_v1(resources.memory, out);
    cpu_v1(resources.cpu, out);
    block_io_v1(resources.block_io, out);
    if (resources.pids) out.add("pids", "pids.max", number_or_max(*resources.pids));
    huge_pages(resources.huge_pages, "limit_in_bytes", out);
    out.number("net_cls", "net_cls.classid", resources.network.class_id);
    for (const auto& [interface, priority] : resources.network.priorities) {
        out.add("net_prio", "net_prio.ifpriomap", interface + " " + text_of(priority));
    }
    rdma(resources.rdma, out);
    return out.take();
}

std::vector<CgroupWrite> writes_for_v2(const Resources& resources) {
    if (resources.network.class_id) no_equivalent("network.classID");
    if (!resources.network.priorities.empty()) no_equivalent("network.priorities");
    Writes out;
    memory_v2(resources.memory, out);
    cpu_v2(resources.cpu, out);
    block_io_v2(resources.block_io, out);
    if (resources.pids) out.add("pids", "pids.max", number_or_max(*resources.pids));
    huge_pages(resources.huge_pages, "max", out);
    rdma(resources.rdma, out);
    for (const auto& [file, value] : resources.unified) {
        const std::string controller = file.substr(0, file.find('.'));
        // "cgroup.freeze" and its like belong to no controller.
        out.add(controller == "cgroup" ? "" : controller, file, value);
    }
    return out.take();
}

Resources left_for_v2(Resources resources, const std::function<bool(std::string_view)>& has_v1) {
    if (has_v1("memory")) resources.memory = {};
    CpuResources cpu;
    if (has_v1("cpu")) {
        cpu.cpus = resources.cpu.cpus;
        cpu.mems = resources.cpu.mems;
        resources.cpu = cpu;
    }
    if (has_v1("cpuset")) resources.cpu.cpus = resources.cpu.mems = "";
    if (has_v1("blkio")) resources.block_io = {};
    if (has_v1("pids")) resources.pids.reset();
    if (has_v1("hugetlb")) resources.huge_pages.clear();
    if (has_v1("net_cls")) resources.network.class_id.reset();
    if (has_v1("net_prio")) resources.network.priorities.clear();
    if (has_v1("rdma")) resources.rdma.clear();
    return resources;
}

}  // namespace smith::runtime
