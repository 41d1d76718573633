// SPDX-License-Identifier: Apache-2.0
#include "runtime/config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/error.h"
#include "base/json.h"
#include "runtime/caps.h"
#include "runtime/config_parts.h"
#include "runtime/rlimits.h"

namespace smith::runtime {

namespace {

// What the kernel takes for a host name (__NEW_UTS_LEN).
constexpr std::size_t kMaxHostName = 64;

void check_version(const JsonView& version) {
    // Minor versions only add; what they add is either known here or refused by name.
    if (!version.string().starts_with("1.")) version.fail("is not a version 1 of the runtime specification");
}

/// "Any value which cannot be mapped to a relevant kernel interface, or cannot be granted otherwise, MUST be logged as
/// a warning by the runtime" (config.md).
std::uint64_t parse_capability_set(const JsonView& names, std::vector<std::string>& warnings) {
    std::uint64_t set = 0;
    for (const JsonView& name : names.elements()) {
        if (const std::optional<int> number = capability_number(name.string())) {
            set |= std::uint64_t{1} << *number;
        } else {
            warnings.push_back(quote(name.place()) + " is " + quote(name.string()) + ", which is not a capability");
        }
    }
    return set;
}

Capabilities parse_capabilities(const JsonView& sets, std::vector<std::string>& warnings) {
    Capabilities out;
    out.bounding = parse_capability_set(sets["bounding"], warnings);
    out.effective = parse_capability_set(sets["effective"], warnings);
    out.permitted = parse_capability_set(sets["permitted"], warnings);
    out.inheritable = parse_capability_set(sets["inheritable"], warnings);
    out.ambient = parse_capability_set(sets["ambient"], warnings);
    // The kernel would refuse both (capabilities(7)). `runc spec` writes the second, and podman did.
    if ((out.effective & ~out.permitted) != 0) {
        warnings.push_back("'process.capabilities.effective' has what 'permitted' has not: it cannot be given");
        out.effective &= out.permitted;
    }
    if ((out.ambient & ~(out.permitted & out.inheritable)) != 0) {
        warnings.push_back(
            "'process.capabilities.ambient' has what 'permitted' or 'inheritable' has not: it cannot be given");
        out.ambient &= out.permitted & out.inheritable;
    }
    return out;
}

std::vector<ResourceLimit> parse_rlimits(const JsonView& limits) {
    std::vector<ResourceLimit> out;
    for (const JsonView& limit : limits.elements()) {
        ResourceLimit parsed;
        parsed.name = limit["type"].string();
        const std::optional<int> resource = limit_resource(parsed.name);
        if (!resource) limit["type"].fail("is " + quote(parsed.name) + ", which is not a resource limit");
        parsed.resource = *resource;
        parsed.soft = limit["soft"].unsigned_integer(UINT64_MAX);
        parsed.hard = limit["hard"].unsigned_integer(UINT64_MAX);
        if (parsed.soft > parsed.hard) limit["soft"].fail("is above the hard limit");
        for (const ResourceLimit& earlier : out) {
            if (earlier.name == parsed.name) limit["type"].fail("names a limit for the second time");
        }
        out.push_back(std::move(parsed));
    }
    return out;
}

void parse_user(const JsonView& user, ProcessConfig& out) {
    out.uid = static_cast<std::uint32_t>(user["uid"].unsigned_integer(kHighestId));
    out.gid = static_cast<std::uint32_t>(user["gid"].unsigned_integer(kHighestId));
    for (const JsonView& gid : user["additionalGids"].elements()) {
        out.additional_gids.push_back(static_cast<std::uint32_t>(gid.unsigned_integer(kHighestId)));
    }
    if (user["umask"].present()) out.umask = static_cast<std::uint32_t>(user["umask"].unsigned_integer(0777));
}

ConsoleSize parse_console_size(const JsonView& size) {
    ConsoleSize out;
    if (!size.present()) return out;
    out.rows = static_cast<std::uint16_t>(size["height"].unsigned_integer(UINT16_MAX));
    out.columns = static_cast<std::uint16_t>(size["width"].unsigned_integer(UINT16_MAX));
    return out;
}

/// mount(2) ignores what it cannot use for a bind mount, without a word.
void drop_data_of_bind(MountConfig& mount, RuntimeConfig& config) {
    constexpr std::array<std::string_view, 3> superblock = {"sync", "dirsync", "lazytime"};
    for (const FileSystemOption& option : mount.options.data) {
        if (std::find(superblock.begin(), superblock.end(), option.key) != superblock.end()) continue;
        config.warnings.push_back("the bind mount on " + quote(mount.destination) +
                                  " has no file system of its own to take the option " + quote(option.key) +
                                  ", ignoring");
    }
    mount.options.data.clear();
}

void parse_mapped_ids(const JsonView& mount, MountConfig& out) {
    out.uid_mappings = parse_mappings(mount["uidMappings"]);
    out.gid_mappings = parse_mappings(mount["gidMappings"]);
    if (out.uid_mappings.empty() != out.gid_mappings.empty()) {
        mount.fail("has one of 'uidMappings' and 'gidMappings' without the other");
    }
    // Who writes mappings wants them, with the option or without (config.md, "POSIX-platform Mounts").
    if (!out.uid_mappings.empty()) out.options.map_ids = true;
    if (out.options.map_ids && !out.options.bind) mount.fail("is to have its ids mapped, but is no bind mount");
    if (out.options.copy_up && out.type != "tmpfs") {
        mount["options"].fail("has 'tmpcopyup', which is for a tmpfs only");
    }
}

MountConfig parse_mount(const JsonView& mount, RuntimeConfig& config) {
    MountConfig out;
    out.destination = clean_absolute_path(mount["destination"], true);
    if (out.destination == "/") mount["destination"].fail("is the root itself");
    while_doing([&] { return quote(mount["options"].place()); },
                [&] { out.options = decode_mount_options(mount["options"].strings()); });
    out.type = mount["type"].string_or("");
    out.source = mount["source"].string_or("");
    // The options decide (config.md, "Linux mount options"); "none" and "" are what people write beside them.
    if (out.options.bind || out.type == "bind") {
        out.type = "bind";
        out.options.bind = true;
        drop_data_of_bind(out, config);
        if (out.source.empty() && !out.options.remount) mount["source"].fail("is missing");
    }
    if (out.type.empty() && !out.options.remount) mount["type"].fail("is missing");
    parse_mapped_ids(mount, out);
    return out;
}

RuntimeConfig parse_document(const JsonView& document) {
    RuntimeConfig out;
    out.oci_version = document["ociVersion"].string();
    check_version(document["ociVersion"]);
    out.hooks = parse_hooks(document["hooks"]);
    out.has_process = document["process"].present();
    if (out.has_process) out.process = parse_process(document["process"], out.warnings);
    out.root_path = document["root"]["path"].string();
    if (out.root_path.empty()) document["root"]["path"].fail("is empty");
    out.root_readonly = document["root"]["readonly"].boolean_or(false);
    out.hostname = document["hostname"].string_or("");
    out.domainname = document["domainname"].string_or("");
    if (out.hostname.size() > kMaxHostName) document["hostname"].fail("is longer than 64 bytes");
    if (out.domainname.size() > kMaxHostName) document["domainname"].fail("is longer than 64 bytes");
    for (const JsonView& mount : document["mounts"].elements()) out.mounts.push_back(parse_mount(mount, out));
    for (const std::string& key : document["annotations"].keys()) {
        out.annotations[key] = document["annotations"][key].string();
    }
    parse_linux(document["linux"], out);
    return out;
}

}  // namespace

ProcessConfig parse_process(const JsonView& process, std::vector<std::string>& warnings) {
    ProcessConfig out;
    if (!process.present()) process.fail("is missing");
    out.terminal = process["terminal"].boolean_or(false);
    if (out.terminal) out.console_size = parse_console_size(process["consoleSize"]);
    out.apparmor_profile = process["apparmorProfile"].string_or("");
    out.selinux_label = process["selinuxLabel"].string_or("");
    out.scheduling = parse_scheduling(process);
    parse_user(process["user"], out);
    out.args = process["args"].strings();
    if (out.args.empty() || out.args.front().empty()) process["args"].fail("names no program");
    out.env = process["env"].strings();
    for (const JsonView& entry : process["env"].elements()) {
        const std::size_t equals = entry.string().find('=');
        if (equals == 0 || equals == std::string::npos) entry.fail("is not of the form NAME=VALUE");
    }
    out.cwd = process["cwd"].string();
    if (!out.cwd.starts_with('/')) process["cwd"].fail("is not an absolute path");
    out.capabilities = parse_capabilities(process["capabilities"], warnings);
    out.rlimits = parse_rlimits(process["rlimits"]);
    out.no_new_privileges = process["noNewPrivileges"].boolean_or(false);
    if (process["oomScoreAdj"].present()) {
        out.oom_score_adj = static_cast<int>(process["oomScoreAdj"].integer(-1000, 1000));
    }
    return out;
}

std::string clean_absolute_path(const JsonView& path, bool may_be_relative) {
    const std::string text = path.string();
    if (text.empty() || (!text.starts_with('/') && !may_be_relative))
        path.fail("is " + quote(text) + ", not an absolute path");
    if (text.size() > limits::kMaxPathBytes) path.fail("is longer than a path can be");
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find('/', at), text.size());
        const std::string component = text.substr(at, end - at);
        at = end + 1;
        if (component.empty() || component == ".") continue;
        if (component == "..") {
            out.resize(out.empty() ? 0 : out.rfind('/'));
        } else {
            out += "/" + component;
        }
    }
    return out.empty() ? "/" : out;
}

RuntimeConfig parse_config(std::string_view text) {
    if (text.size() > limits::kMaxConfigBytes) {
        throw Error(ErrorKind::spec, "the document has " + std::to_string(text.size()) + " bytes, more than the " +
                                         std::to_string(limits::kMaxConfigBytes) + " that are read");
    }
    const nlohmann::json document = parse_json(text);
    if (!document.is_object()) throw Error(ErrorKind::spec, "the document is not an object");
    return parse_document(JsonView(&document));
}

bool RuntimeConfig::has_namespace(std::uint64_t flag) const noexcept {
    return (namespaces & flag) != 0 || std::any_of(joined_namespaces.begin(), joined_namespaces.end(),
                                                   [&](const JoinedNamespace& joined) { return joined.flag == flag; });
}

ProcessConfig parse_process_document(std::string_view text, const ProcessConfig& container) {
    const nlohmann::json document = parse_json(text);
    if (!document.is_object()) throw Error(ErrorKind::spec, "the document is not an object");
    const JsonView view(&document);
    std::vector<std::string> warnings;  // said when the container was created, about the same capabilities
    ProcessConfig process = parse_process(view, warnings);
    if (!view["capabilities"].present()) process.capabilities = container.capabilities;
    return process;
}

std::optional<std::uint32_t> map_id(const std::vector<IdMap>& maps, std::uint32_t id) {
    for (const IdMap& map : maps) {
        if (id >= map.container && id - map.container < map.count) return map.host + (id - map.container);
    }
    return std::nullopt;
}

}  // namespace smith::runtime
