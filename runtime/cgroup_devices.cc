// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup_devices.h"

#include <fcntl.h>
#include <linux/bpf.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"

namespace smith::runtime {

namespace {

constexpr std::string_view kProgramName = "railcar_devices";
static_assert(kProgramName.size() < BPF_OBJ_NAME_LEN);

std::string number_or_star(const std::optional<std::int64_t>& number) { return number ? std::to_string(*number) : "*"; }

std::string access_of(const DeviceRule& rule) {
    return std::string(rule.read ? "r" : "") + (rule.write ? "w" : "") + (rule.make ? "m" : "");
}

std::uint64_t instruction(unsigned code, unsigned destination, unsigned source, int offset, std::int32_t value) {
    bpf_insn out{};
    out.code = static_cast<__u8>(code);
    out.dst_reg = destination & 15U;
    out.src_reg = source & 15U;
    out.off = static_cast<__s16>(offset);
    out.imm = value;
    std::uint64_t bits = 0;
    static_assert(sizeof out == sizeof bits);
    std::memcpy(&bits, &out, sizeof bits);
    return bits;
}

constexpr unsigned kLoad = BPF_LDX | BPF_MEM | BPF_W;
constexpr unsigned kMove = BPF_ALU64 | BPF_MOV;
constexpr unsigned kAnd = BPF_ALU64 | BPF_AND | BPF_K;
constexpr unsigned kJumpUnless = BPF_JMP32 | BPF_JNE | BPF_K;
constexpr unsigned kJumpIf = BPF_JMP32 | BPF_JEQ | BPF_K;
constexpr unsigned kReturn = BPF_JMP | BPF_EXIT;

// What the registers hold: the kind, the ways of use that are still undecided, the numbers.
constexpr unsigned kType = BPF_REG_2;
constexpr unsigned kAsked = BPF_REG_3;
constexpr unsigned kMajor = BPF_REG_4;
constexpr unsigned kMinor = BPF_REG_5;
constexpr unsigned kScratch = BPF_REG_6;

void finish(std::vector<std::uint64_t>& out, bool allow) {
    out.push_back(instruction(kMove | BPF_K, BPF_REG_0, 0, 0, allow ? 1 : 0));
    out.push_back(instruction(kReturn, 0, 0, 0, 0));
}

std::vector<std::uint64_t> decision(const DeviceRule& rule, std::int32_t access) {
    std::vector<std::uint64_t> out;
    if (rule.allow) {
        // What this rule allows is decided; where nothing else was asked for, all is.
        out.push_back(instruction(kAnd, kAsked, 0, 0, ~access));
        out.push_back(instruction(kJumpUnless, kAsked, 0, 2, 0));
        finish(out, true);
        return out;
    }
    out.push_back(instruction(kMove | BPF_X, kScratch, kAsked, 0, 0));
    out.push_back(instruction(kAnd, kScratch, 0, 0, access));
    out.push_back(instruction(kJumpIf, kScratch, 0, 2, 0));
    finish(out, false);
    return out;
}

void add_rule(const DeviceRule& rule, std::vector<std::uint64_t>& out) {
    const std::int32_t access = (rule.make ? BPF_DEVCG_ACC_MKNOD : 0) | (rule.read ? BPF_DEVCG_ACC_READ : 0) |
                                (rule.write ? BPF_DEVCG_ACC_WRITE : 0);
    const std::vector<std::uint64_t> decided = decision(rule, access);
    struct Condition {
        unsigned where;
        std::int64_t value;
    };
    std::vector<Condition> conditions;
    if (rule.type != 'a') conditions.push_back({kType, rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR});
    if (rule.major) conditions.push_back({kMajor, *rule.major});
    if (rule.minor) conditions.push_back({kMinor, *rule.minor});
    for (std::size_t i = 0; i < conditions.size(); ++i) {
        const std::size_t past = conditions.size() - i - 1 + decided.size();
        out.push_back(instruction(kJumpUnless, conditions[i].where, 0, static_cast<int>(past),
                                  static_cast<std::int32_t>(conditions[i].value)));
    }
    out.insert(out.end(), decided.begin(), decided.end());
}

union bpf_attr no_attributes() {
    union bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    return attributes;
}

Result load(Kernel& kernel, const std::vector<std::uint64_t>& program) {
    union bpf_attr attributes = no_attributes();
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = reinterpret_cast<std::uintptr_t>(program.data());
    attributes.insn_cnt = static_cast<__u32>(program.size());
    attributes.license = reinterpret_cast<std::uintptr_t>("Apache-2.0");
    kProgramName.copy(attributes.prog_name, sizeof attributes.prog_name - 1);
    return kernel.load_bpf(BPF_PROG_LOAD, &attributes, sizeof attributes);
}

/// The programs that hang on the cgroup itself. There are few: 64 is the kernel's limit.
std::vector<std::uint32_t> attached_programs(Kernel& kernel, int directory) {
    std::array<std::uint32_t, 64> ids{};
    union bpf_attr attributes = no_attributes();
    attributes.query.target_fd = static_cast<__u32>(directory);
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    attributes.query.prog_cnt = ids.size();
    if (kernel.load_bpf(BPF_PROG_QUERY, &attributes, sizeof attributes) < 0) return {};
    return {ids.begin(), ids.begin() + std::min<std::size_t>(attributes.query.prog_cnt, ids.size())};
}

/// systemd hangs one of its own there, for the DeviceAllow of the unit.
bool is_ours(Kernel& kernel, int program) {
    bpf_prog_info info{};
    union bpf_attr attributes = no_attributes();
    attributes.info.bpf_fd = static_cast<__u32>(program);
    attributes.info.info_len = sizeof info;
    attributes.info.info = reinterpret_cast<std::uintptr_t>(&info);
    if (kernel.load_bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes, sizeof attributes) < 0) return false;
    return std::string_view(info.name, strnlen(info.name, sizeof info.name)) == kProgramName;
}

void detach_program(Kernel& kernel, int directory, std::uint32_t id) {
    union bpf_attr by_id = no_attributes();
    by_id.prog_id = id;
    const Result program = kernel.load_bpf(BPF_PROG_GET_FD_BY_ID, &by_id, sizeof by_id);
    if (program < 0) throw system_error(static_cast<int>(-program), "looking for the former device program");
    const UniqueFd opened(static_cast<int>(program));
    if (!is_ours(kernel, opened.get())) return;
    union bpf_attr attributes = no_attributes();
    attributes.target_fd = static_cast<__u32>(directory);
    attributes.attach_bpf_fd = static_cast<__u32>(opened.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    const Result detached = kernel.load_bpf(BPF_PROG_DETACH, &attributes, sizeof attributes);
    if (detached < 0) throw system_error(static_cast<int>(-detached), "detaching the former device program");
}

}  // namespace

std::vector<DeviceRule> with_default_devices(std::vector<DeviceRule> rules) {
    struct Default {
        char type;
        std::optional<std::int64_t> major;
        std::optional<std::int64_t> minor;
        bool use;  ///< else only making it is allowed
    };
    const std::array<Default, 11> defaults = {{
        {'c', std::nullopt, std::nullopt, false},
        {'b', std::nullopt, std::nullopt, false},
        {'c', 1, 3, true},              // null
        {'c', 1, 5, true},              // zero
        {'c', 1, 7, true},              // full
        {'c', 1, 8, true},              // random
        {'c', 1, 9, true},              // urandom
        {'c', 5, 0, true},              // tty
        {'c', 5, 1, true},              // console
        {'c', 5, 2, true},              // ptmx
        {'c', 136, std::nullopt, true}  // pts
    }};
    for (const Default& device : defaults) {
        rules.push_back({true, device.type, device.major, device.minor, device.use, device.use, true});
    }
    return rules;
}

std::vector<std::string> device_lines(const DeviceRule& rule) {
    const std::string rest =
        " " + number_or_star(rule.major) + ":" + number_or_star(rule.minor) + " " + access_of(rule);
    if (rule.type != 'a') return {std::string(1, rule.type) + rest};
    if (!rule.major && !rule.minor && rule.read && rule.write && rule.make) return {"a"};
    return {"b" + rest, "c" + rest};
}

std::vector<std::uint64_t> device_program(const std::vector<DeviceRule>& rules, bool otherwise) {
    std::vector<std::uint64_t> out;
    constexpr int access_type = offsetof(bpf_cgroup_dev_ctx, access_type);
    out.push_back(instruction(kLoad, kType, BPF_REG_1, access_type, 0));
    out.push_back(instruction(kMove | BPF_X, kAsked, kType, 0, 0));
    out.push_back(instruction(kAnd, kType, 0, 0, 0xffff));
    out.push_back(instruction(BPF_ALU64 | BPF_RSH | BPF_K, kAsked, 0, 0, 16));
    out.push_back(instruction(kLoad, kMajor, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, major), 0));
    out.push_back(instruction(kLoad, kMinor, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, minor), 0));
    for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
        add_rule(*rule, out);
        // A rule about everything: nothing before it has a say.
        if (rule->type == 'a' && !rule->major && !rule->minor && rule->read && rule->write && rule->make) break;
    }
    finish(out, otherwise);
    return out;
}

void attach_device_program(Kernel& kernel, int directory, const std::vector<std::uint64_t>& program) {
    const Result loaded = load(kernel, program);
    if (loaded < 0) throw system_error(static_cast<int>(-loaded), "loading the program that restricts devices");
    const UniqueFd fd(static_cast<int>(loaded));
    const std::vector<std::uint32_t> former = attached_programs(kernel, directory);
    union bpf_attr attributes = no_attributes();
    attributes.target_fd = static_cast<__u32>(directory);
    attributes.attach_bpf_fd = static_cast<__u32>(fd.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    const Result attached = kernel.load_bpf(BPF_PROG_ATTACH, &attributes, sizeof attributes);
    if (attached < 0) throw system_error(static_cast<int>(-attached), "attaching the program that restricts devices");
    // First the new, then our old one off: all that are attached must agree, so there is no gap between them.
    for (const std::uint32_t id : former) detach_program(kernel, directory, id);
}

}  // namespace smith::runtime
