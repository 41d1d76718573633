// SPDX-License-Identifier: Apache-2.0
#include "runtime/resctrl.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/split.h"
#include "runtime/mountinfo.h"

namespace smith::runtime {

namespace {

constexpr std::uint64_t kNoLinks = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
constexpr std::uint64_t kBelow = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
constexpr const char* kDefaultClass = "/";
constexpr const char* kMonitors = "mon_groups";

UniqueFd open_directory(Kernel& kernel, const ResctrlMount& mount, const std::string& path) {
    const Result fd = kernel.open_beneath(AT_FDCWD, path.c_str(), O_PATH | O_DIRECTORY, kNoLinks);
    if (fd == -ENOENT) return UniqueFd();
    if (fd < 0) throw system_error(static_cast<int>(-fd), "opening " + quote(path));
    UniqueFd opened(static_cast<int>(fd));
    if (kernel.file_system_type(opened.get()) != mount.type) {
        throw Error(ErrorKind::system, quote(path) + " is not on a resctrl file system");
    }
    return opened;
}

UniqueFd existing(Kernel& kernel, const ResctrlMount& mount, const std::string& path) {
    UniqueFd opened = open_directory(kernel, mount, path);
    if (!opened) throw system_error(ENOENT, "opening " + quote(path));
    return opened;
}

std::string read_below(Kernel& kernel, int directory, const char* file) {
    const Result fd = kernel.open_beneath(directory, file, O_RDONLY, kBelow);
    if (fd < 0) return "";
    const UniqueFd opened(static_cast<int>(fd));
    return read_to_end(opened.get(), 64 * limits::kKiB);
}

/// With what the kernel itself has to say about it.
void write_below(Kernel& kernel, const ResctrlMount& mount, const std::string& directory, const char* file,
                 const std::string& text) {
    const UniqueFd place = existing(kernel, mount, directory);
    const Result fd = kernel.open_beneath(place.get(), file, O_WRONLY, kBelow);
    const std::string doing = "writing " + quote(text) + " to " + quote(directory + "/" + file);
    if (fd < 0) throw system_error(static_cast<int>(-fd), doing);
    const UniqueFd opened(static_cast<int>(fd));
    const std::string line = text + "\n";
    const Result written = kernel.write(opened.get(), line.data(), line.size());
    if (written >= 0) return;
    Error error = system_error(static_cast<int>(-written), doing);
    std::string why = read_below(kernel, existing(kernel, mount, mount.path).get(), "info/last_cmd_status");
    while (why.ends_with('\n')) why.pop_back();
    if (why.empty() || why == "ok") throw error;
    throw Error(ErrorKind::system, error.message() + " (" + escaped(why) + ")", error.error_number());
}

/// False when it is there already.
bool make_directory(Kernel& kernel, const ResctrlMount& mount, const std::string& parent, const std::string& name) {
    const UniqueFd place = existing(kernel, mount, parent);
    const Result made = kernel.make_directory(place.get(), name.c_str(), 0755);
    if (made == -EEXIST) return false;
    if (made == -ENOSPC) {
        throw Error(ErrorKind::system, "making " + quote(parent + "/" + name) + ": the processor has no more of these");
    }
    if (made < 0) throw system_error(static_cast<int>(-made), "making " + quote(parent + "/" + name));
    return true;
}

void remove_directory(Kernel& kernel, const ResctrlMount& mount, const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (!path.starts_with(mount.path + "/")) return;  // never the root, nor what is elsewhere
    const UniqueFd parent = open_directory(kernel, mount, path.substr(0, slash));
    if (!parent) return;
    const Result removed = kernel.remove_directory(parent.get(), path.substr(slash + 1).c_str());
    if (removed < 0 && removed != -ENOENT) throw system_error(static_cast<int>(-removed), "removing " + quote(path));
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// "L3:0=7ff;1=0ff": the resource, and the value of each domain, without zeros in front.
struct Schema {
    std::string resource;
    std::map<std::string, std::string> domains;
};

std::optional<Schema> parse_schema(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    Schema out{std::string(trimmed(line.substr(0, colon))), {}};
    for (const std::string_view part : split(line.substr(colon + 1), ';')) {
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) continue;
        std::string value(trimmed(part.substr(equals + 1)));
        value.erase(0, std::min(value.find_first_not_of('0'), value.empty() ? 0 : value.size() - 1));
        std::transform(value.begin(), value.end(), value.begin(),
                       [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
        out.domains[std::string(trimmed(part.substr(0, equals)))] = value;
    }
    return out;
}

void check_name(const std::string& name) {
    // Those that the kernel has there itself.
    constexpr std::array taken = {".", "..", "info", "mon_groups", "mon_data"};
    const bool odd = name.empty() || name.size() > limits::kMaxNameBytes || name.find('/') != std::string::npos ||
                     name.find('\n') != std::string::npos;
    if (odd || std::find(taken.begin(), taken.end(), name) != taken.end()) {
        throw Error(ErrorKind::spec, quote(name) + " is no name for a class of service of 'linux.intelRdt'");
    }
}

ResctrlGroups named(const ResctrlMount& mount, const IntelRdtConfig& config, const std::string& id) {
    ResctrlGroups out;
    if (config.clos_id == kDefaultClass) {
        out.group = mount.path;
    } else {
        const std::string& name = config.clos_id.empty() ? id : config.clos_id;
        check_name(name);
        out.group = mount.path + "/" + name;
        out.ours = config.clos_id.empty();
    }
    if (config.monitoring) {
        check_name(id);
        out.monitor = out.group + "/" + kMonitors + "/" + id;
    }
    return out;
}

/// Makes the class of service where it has to be made. True when it is new.
bool make_group(Kernel& kernel, const ResctrlMount& mount, const IntelRdtConfig& config, const ResctrlGroups& groups) {
    if (config.clos_id == kDefaultClass) return false;
    const std::string name = groups.group.substr(mount.path.size() + 1);
    if (!config.clos_id.empty() && config.schemata.empty()) {
        if (open_directory(kernel, mount, groups.group)) return false;
        throw Error(ErrorKind::spec, "'linux.intelRdt.closID' is " + quote(name) +
                                         ", which is not there, and no schemata say what it should be");
    }
    if (make_directory(kernel, mount, mount.path, name)) return true;
    if (config.clos_id.empty()) throw system_error(EEXIST, "making " + quote(groups.group));
    return false;
}

void check_agreement(Kernel& kernel, const ResctrlMount& mount, const IntelRdtConfig& config,
                     const ResctrlGroups& groups) {
    const std::string file = read_below(kernel, existing(kernel, mount, groups.group).get(), "schemata");
    for (std::size_t i = 0; i < config.to_agree; ++i) {
        if (schemata_agree(file, config.schemata[i])) continue;
        throw Error(ErrorKind::spec, "the class of service " + quote(groups.group) +
                                         " is there already, and its schemata are not " + quote(config.schemata[i]));
    }
}

void remove_quietly(Kernel& kernel, const ResctrlMount& mount, const std::string& path) noexcept {
    try {
        if (!path.empty()) remove_directory(kernel, mount, path);
    } catch (const std::exception&) {
        // The first error says more.
    }
}

}  // namespace

ResctrlMount find_resctrl() {
    for (const MountInfo& mount : parse_mountinfo(read_file("/proc/self/mountinfo", limits::kMaxMountinfoBytes))) {
        if (mount.type == "resctrl") return {mount.mount_point};
    }
    throw Error(ErrorKind::system, "'linux.intelRdt' is given, but no resctrl file system is mounted here");
}

bool schemata_agree(std::string_view file, std::string_view wanted) {
    const std::optional<Schema> ours = parse_schema(wanted);
    if (!ours) return false;
    for (const std::string_view line : split(file, '\n')) {
        const std::optional<Schema> theirs = parse_schema(line);
        if (!theirs || theirs->resource != ours->resource) continue;
        return std::all_of(ours->domains.begin(), ours->domains.end(), [&](const auto& domain) {
            const auto found = theirs->domains.find(domain.first);
            return found != theirs->domains.end() && found->second == domain.second;
        });
    }
    return false;
}

ResctrlGroups plan_resctrl(const ResctrlMount& mount, const IntelRdtConfig& config, const std::string& id) {
    ResctrlGroups out = named(mount, config, id);
    Kernel& kernel = linux_kernel();
    out.ours = out.ours && !open_directory(kernel, mount, out.group);
    if (!out.monitor.empty() && open_directory(kernel, mount, out.monitor)) out.monitor.clear();
    return out;
}

ResctrlGroups enter_resctrl(Kernel& kernel, const ResctrlMount& mount, const IntelRdtConfig& config,
                            const std::string& id, pid_t process) {
    const ResctrlGroups out = named(mount, config, id);
    const bool made = make_group(kernel, mount, config, out);
    bool monitored = false;
    try {
        if (!made) check_agreement(kernel, mount, config, out);
        for (const std::string& line : config.schemata) write_below(kernel, mount, out.group, "schemata", line);
        if (config.monitoring) {
            monitored = make_directory(kernel, mount, out.group + "/" + kMonitors, id);
            if (!monitored) throw system_error(EEXIST, "making " + quote(out.monitor));
        }
        join_resctrl(kernel, mount, out, process);
    } catch (...) {
        if (monitored) remove_quietly(kernel, mount, out.monitor);
        if (made) remove_quietly(kernel, mount, out.group);
        throw;
    }
    return out;
}

void join_resctrl(Kernel& kernel, const ResctrlMount& mount, const ResctrlGroups& groups, pid_t process) {
    if (groups.empty()) return;
    // First the class: a group that measures takes only those of its own class.
    write_below(kernel, mount, groups.group, "tasks", std::to_string(process));
    if (!groups.monitor.empty()) write_below(kernel, mount, groups.monitor, "tasks", std::to_string(process));
}

void remove_resctrl(Kernel& kernel, const ResctrlMount& mount, const ResctrlGroups& groups) {
    if (!groups.monitor.empty()) remove_directory(kernel, mount, groups.monitor);
    if (groups.ours) remove_directory(kernel, mount, groups.group);
}

}  // namespace smith::runtime
