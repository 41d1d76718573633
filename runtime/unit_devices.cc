// SPDX-License-Identifier: Apache-2.0
//
// Device rules as systemd has them: a policy that denies everything, and a list of what is allowed all the same.
#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "runtime/cgroup_devices.h"
#include "runtime/systemd_unit.h"

namespace smith::runtime {

namespace {

bool is_about_everything(const DeviceRule& rule) {
    return rule.type == 'a' && !rule.major && !rule.minor && rule.read && rule.write && rule.make;
}

bool same_devices(const DeviceRule& a, const DeviceRule& b) {
    return a.type == b.type && a.major == b.major && a.minor == b.minor;
}

bool allows_nothing(const DeviceRule& rule) { return !rule.read && !rule.write && !rule.make; }

/// The devices that are allowed in the end; exceptions to one of them are left to whoever applies the rules as such.
class AllowList {
public:
    /// Is everything allowed that has not been denied?
    [[nodiscard]] bool open() const noexcept { return open_; }
    [[nodiscard]] const std::vector<DeviceRule>& devices() const noexcept { return devices_; }

    void take(DeviceRule rule) {
        if (is_about_everything(rule)) {
            open_ = rule.allow;
            devices_.clear();
            return;
        }
        if (open_) return;
        const std::string_view kinds = rule.type == 'a' ? "bc" : rule.type == 'b' ? "b" : "c";
        for (const char kind : kinds) {
            rule.type = kind;
            change(rule);
        }
    }

private:
    void change(const DeviceRule& rule) {
        const auto found =
            std::find_if(devices_.begin(), devices_.end(), [&](const auto& one) { return same_devices(one, rule); });
        if (found == devices_.end()) {
            if (rule.allow) devices_.push_back(rule);
            return;
        }
        found->read = rule.allow ? found->read || rule.read : found->read && !rule.read;
        found->write = rule.allow ? found->write || rule.write : found->write && !rule.write;
        found->make = rule.allow ? found->make || rule.make : found->make && !rule.make;
        if (allows_nothing(*found)) devices_.erase(found);
    }

    bool open_ = true;
    std::vector<DeviceRule> devices_;
};

std::string access_of(const DeviceRule& rule) {
    return std::string(rule.read ? "r" : "") + (rule.write ? "w" : "") + (rule.make ? "m" : "");
}

std::string name_of(const DeviceRule& rule) {
    const bool block = rule.type == 'b';
    if (!rule.major) return block ? "block-*" : "char-*";
    const std::string major = std::to_string(*rule.major);
    if (!rule.minor) return (block ? "block-" : "char-") + major;
    // systemd reads the numbers off the name where there is no such node.
    return (block ? "/dev/block/" : "/dev/char/") + major + ":" + std::to_string(*rule.minor);
}

}  // namespace

std::vector<DbusProperty> device_properties(const std::vector<DeviceRule>& rules, std::vector<std::string>& warnings) {
    if (rules.empty()) return {};
    AllowList list;
    for (const DeviceRule& rule : with_default_devices(rules)) list.take(rule);
    std::vector<std::pair<std::string, std::string>> allowed;
    if (!list.open()) {
        for (const DeviceRule& rule : list.devices()) {
            if (!rule.major && rule.minor) {
                warnings.push_back("a rule about all devices of minor number " + std::to_string(*rule.minor) +
                                   " cannot be told to systemd, which denies them");
                continue;
            }
            allowed.emplace_back(name_of(rule), access_of(rule));
        }
    }
    // An empty list first: else systemd adds to the one that it has.
    std::vector<DbusProperty> out = {{"DevicePolicy", std::string(list.open() ? "auto" : "strict")},
                                     {"DeviceAllow", std::vector<std::pair<std::string, std::string>>{}}};
    if (!allowed.empty()) out.push_back({"DeviceAllow", std::move(allowed)});
    return out;
}

}  // namespace smith::runtime
