// SPDX-License-Identifier: Apache-2.0
#include "runtime/mount_options.h"

#include <linux/mount.h>

#include <algorithm>
#include <array>
#include <string_view>

// <sys/mount.h> and <linux/mount.h> cannot be included together with every libc; these are mount(2)'s.
namespace {
constexpr std::uint64_t kUnbindable = 1U << 17U;
constexpr std::uint64_t kPrivate = 1U << 18U;
constexpr std::uint64_t kSlave = 1U << 19U;
constexpr std::uint64_t kShared = 1U << 20U;
}  // namespace

namespace smith::runtime {

namespace {

struct Attribute {
    std::string_view name;
    std::uint64_t set;
    std::uint64_t clear;
};

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000  // Linux 5.14
#endif

// The three kinds of atime are one field: whoever sets one of them clears the others.
constexpr std::array kAttributes = {
    Attribute{"ro", MOUNT_ATTR_RDONLY, 0},
    Attribute{"rw", 0, MOUNT_ATTR_RDONLY},
    Attribute{"nosuid", MOUNT_ATTR_NOSUID, 0},
    Attribute{"suid", 0, MOUNT_ATTR_NOSUID},
    Attribute{"nodev", MOUNT_ATTR_NODEV, 0},
    Attribute{"dev", 0, MOUNT_ATTR_NODEV},
    Attribute{"noexec", MOUNT_ATTR_NOEXEC, 0},
    Attribute{"exec", 0, MOUNT_ATTR_NOEXEC},
    Attribute{"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    Attribute{"diratime", 0, MOUNT_ATTR_NODIRATIME},
    Attribute{"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    Attribute{"norelatime", 0, MOUNT_ATTR__ATIME},
    Attribute{"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    Attribute{"atime", 0, MOUNT_ATTR__ATIME},
    Attribute{"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    Attribute{"nostrictatime", 0, MOUNT_ATTR__ATIME},
    Attribute{"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    Attribute{"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

struct Propagation {
    std::string_view name;
    std::uint64_t type;
};

constexpr std::array kPropagations = {
    Propagation{"private", kPrivate},
    Propagation{"slave", kSlave},
    Propagation{"shared", kShared},
    Propagation{"unbindable", kUnbindable},
};

// They say how things are anyway, or what no kernel that we run on lets anybody choose: mandatory locks went with 5.15,
// and the change counter is the file system's own business.
constexpr std::array<std::string_view, 9> kNothing = {"defaults", "async",  "loud",     "silent",    "nolazytime",
                                                      "mand",     "nomand", "iversion", "noiversion"};

template <typename Table>
const typename Table::value_type* find(const Table& table, std::string_view name) {
    const auto it = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.name == name; });
    return it == table.end() ? nullptr : &*it;
}

bool contains(const auto& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// A later option wins over an earlier one, as with mount(8).
void apply(const Attribute& attribute, std::uint64_t& set, std::uint64_t& clear) {
    set = (set & ~attribute.clear) | attribute.set;
    clear = (clear & ~attribute.set) | attribute.clear;
}

bool decode_attribute(std::string_view option, MountOptions& out) {
    if (const Attribute* plain = find(kAttributes, option)) {
        apply(*plain, out.set, out.clear);
        return true;
    }
    if (!option.starts_with('r')) return false;
    const Attribute* recursive = find(kAttributes, option.substr(1));
    if (recursive != nullptr) apply(*recursive, out.recursive_set, out.recursive_clear);
    return recursive != nullptr;
}

bool decode_propagation(std::string_view option, MountOptions& out) {
    const Propagation* plain = find(kPropagations, option);
    const Propagation* chosen =
        plain != nullptr || !option.starts_with('r') ? plain : find(kPropagations, option.substr(1));
    if (chosen == nullptr) return false;
    out.propagation = chosen->type;
    out.recursive_propagation = plain == nullptr;
    return true;
}

FileSystemOption split(std::string_view option) {
    const std::size_t equals = option.find('=');
    if (equals == std::string_view::npos) return {std::string(option), std::nullopt};
    return {std::string(option.substr(0, equals)), std::string(option.substr(equals + 1))};
}

}  // namespace

std::vector<std::string> mount_option_names() {
    std::vector<std::string> out = {"bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap"};
    out.insert(out.end(), kNothing.begin(), kNothing.end());
    for (const auto& both : kAttributes) {
        out.emplace_back(both.name);
        out.push_back("r" + std::string(both.name));
    }
    for (const auto& both : kPropagations) {
        out.emplace_back(both.name);
        out.push_back("r" + std::string(both.name));
    }
    std::sort(out.begin(), out.end());
    return out;
}

MountOptions decode_mount_options(const std::vector<std::string>& options) {
    MountOptions out;
    for (const std::string& option : options) {
        if (option.empty() || contains(kNothing, option)) continue;
        if (option == "bind" || option == "rbind") {
            out.bind = true;
            out.recursive_bind = out.recursive_bind || option == "rbind";
        } else if (option == "remount") {
            out.remount = true;
        } else if (option == "tmpcopyup") {
            out.copy_up = true;
        } else if (option == "idmap" || option == "ridmap") {
            out.map_ids = true;
            out.recursive_map_ids = out.recursive_map_ids || option == "ridmap";
        } else if (!decode_attribute(option, out) && !decode_propagation(option, out)) {
            out.data.push_back(split(option));
        }
    }
    return out;
}

}  // namespace smith::runtime
