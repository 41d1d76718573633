// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/bounds.h"
#include "base/error.h"
#include "base/handle.h"
#include "runtime/cgroup_devices.h"

namespace smith::runtime {

namespace {

using Directory = std::unique_ptr<DIR, FreeWith<closedir>>;

constexpr std::uint64_t kResolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
constexpr std::size_t kMaxFileBytes = 64 * limits::kKiB;
// How long the kernel may take to stop a process that is in the middle of a system call, or to be done with a dead one.
constexpr int kPatienceMs = 1000;
constexpr int kFreezePatienceMs = 10000;

void sleep_ms(int milliseconds) {
    const timespec time{milliseconds / 1000, (milliseconds % 1000) * 1'000'000L};
    static_cast<void>(nanosleep(&time, nullptr));
}

/// Calls `done` until it says true; false when it never does.
template <typename Done>
bool within(int patience_ms, Done&& done) {
    int pause_ms = 1;
    for (int waited = 0;; waited += pause_ms, pause_ms = std::min(2 * pause_ms, 50)) {
        if (done()) return true;
        if (waited >= patience_ms) return false;
        sleep_ms(pause_ms);
    }
}

std::vector<std::string> components_of(const std::string& path) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        if (end > at && path.compare(at, end - at, ".") != 0) out.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

/// Without doubled slashes, and with ".." refused: a cgroup is where its path says.
std::string clean(const std::string& path) {
    std::string out;
    for (const std::string& component : components_of(path)) {
        if (component == "..") throw Error(ErrorKind::spec, "'linux.cgroupsPath' " + quote(path) + " has a '..' in it");
        out += "/" + component;
    }
    return out;
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string trimmed(std::string text) {
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

std::string read_at(Kernel& kernel, int directory, const char* file) {
    const Result fd = kernel.open_beneath(directory, file, O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (fd < 0) return "";
    const UniqueFd opened(static_cast<int>(fd));
    std::string text(kMaxFileBytes, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const Result got = kernel.read(opened.get(), text.data() + size, text.size() - size);
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

Result write_at(Kernel& kernel, int directory, const char* file, std::string_view value) {
    const Result fd = kernel.open_beneath(directory, file, O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (fd < 0) return fd;
    const UniqueFd opened(static_cast<int>(fd));
    const Result written = kernel.write(opened.get(), value.data(), value.size());
    return written < 0 ? written : 0;
}

std::vector<std::string> subdirectories(int directory) {
    std::vector<std::string> out;
    const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return out;
    const Directory stream(fdopendir(copy));
    if (!stream) return out;
    while (const dirent* entry = readdir(stream.get())) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') out.emplace_back(entry->d_name);
    }
    return out;
}

/// Calls `visit` with every directory from `directory` down, the deepest first. No deeper than paths can be.
template <typename Visit>
void walk(Kernel& kernel, int directory, const Visit& visit, int depth = 0) {
    constexpr int deepest = 256;
    for (const std::string& name : subdirectories(directory)) {
        const Result child =
            kernel.open_beneath(directory, name.c_str(), O_PATH | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        if (child < 0 || depth >= deepest) continue;
        const UniqueFd opened(static_cast<int>(child));
        walk(kernel, opened.get(), visit, depth + 1);
        visit(opened.get(), directory, name);
    }
}

std::string file_of(const std::string& directory, const std::string& file) { return quote(directory + "/" + file); }

/// Version 1: a new cpuset has neither processors nor memory, and takes no process until it has.
void fill_cpuset(Kernel& kernel, int parent, int child) {
    for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
        if (trimmed(read_at(kernel, child, file)).empty()) {
            static_cast<void>(write_at(kernel, child, file, trimmed(read_at(kernel, parent, file))));
        }
    }
}

/// Version 2: children have a controller only when their parent hands it on. One by one, and without a word: what a
/// limit needs and is not there is told by the limit.
void enable_controllers(Kernel& kernel, int directory) {
    for (const std::string& line : components_of(trimmed(read_at(kernel, directory, "cgroup.controllers")))) {
        for (std::size_t at = 0; at < line.size();) {
            const std::size_t end = std::min(line.find(' ', at), line.size());
            static_cast<void>(write_at(kernel, directory, "cgroup.subtree_control", "+" + line.substr(at, end - at)));
            at = end + 1;
        }
    }
}

bool not_allowed(Result result) { return result == -EACCES || result == -EPERM || result == -EROFS; }

}  // namespace

Cgroup::Cgroup(Kernel& kernel, Paths paths) : kernel_(&kernel), paths_(std::move(paths)) {
    for (const auto& [name, path] : paths_) {
        if (!path.starts_with('/')) throw Error(ErrorKind::format, quote(path) + " is no directory of a cgroup");
    }
}

Cgroup Cgroup::named(Kernel& kernel, const std::vector<CgroupHierarchy>& hierarchies, const std::string& path) {
    if (path.find(':') != std::string::npos && path.find('/') == std::string::npos) {
        throw Error(ErrorKind::spec, "'linux.cgroupsPath' " + quote(path) +
                                         " is in the form of systemd's cgroup driver: it takes --systemd-cgroup");
    }
    const std::string cleaned = clean(path);
    if (cleaned.empty()) throw Error(ErrorKind::spec, "'linux.cgroupsPath' " + quote(path) + " is the root itself");
    const bool only_v2 = hierarchies.size() == 1 && hierarchies.front().unified();
    Cgroup out(kernel, {});
    for (const CgroupHierarchy& hierarchy : hierarchies) {
        std::string own = path.starts_with('/') || hierarchy.own == "/" ? "" : clean(hierarchy.own);
        // A cgroup of version 2 that has processes cannot hand controllers on. Beside this process there is room.
        if (only_v2 && !own.empty()) own = parent_of(own);
        const std::string mount_point = clean(hierarchy.mount_point);
        std::string directory = mount_point;
        directory.append(own).append(cleaned);
        out.paths_[hierarchy.name] = directory;
        out.mount_points_[hierarchy.name] = mount_point;
    }
    return out;
}

UniqueFd Cgroup::open(const std::string& directory) const {
    const Result fd = kernel_->open_beneath(AT_FDCWD, directory.c_str(), O_PATH | O_DIRECTORY, kResolve);
    if (fd < 0) {
        if (fd == -ENOENT) return UniqueFd();
        throw system_error(static_cast<int>(-fd), "opening the cgroup " + quote(directory));
    }
    UniqueFd opened(static_cast<int>(fd));
    const Result type = kernel_->file_system_type(opened.get());
    if (type < 0) throw system_error(static_cast<int>(-type), "looking at the cgroup " + quote(directory));
    if (type != CGROUP_SUPER_MAGIC && type != CGROUP2_SUPER_MAGIC) {
        throw Error(ErrorKind::system, quote(directory) + " is not on a cgroup file system");
    }
    return opened;
}

Result Cgroup::write(const std::string& directory, const std::string& file, std::string_view value) const {
    const UniqueFd opened = open(directory);
    return opened ? write_at(*kernel_, opened.get(), file.c_str(), value) : -ENOENT;
}

std::optional<std::string> Cgroup::directory_of(std::string_view controller) const {
    const auto unified_one = paths_.find("");
    if (controller.empty()) return unified_one == paths_.end() ? std::nullopt : std::optional(unified_one->second);
    for (const auto& [name, path] : paths_) {
        if (CgroupHierarchy{name, "", ""}.has(controller)) return path;
    }
    return std::nullopt;
}

std::optional<std::string> Cgroup::read(std::string_view controller, const std::string& file) const {
    const std::optional<std::string> directory = directory_of(controller);
    if (!directory) return std::nullopt;
    const UniqueFd opened = open(*directory);
    if (!opened) return std::nullopt;
    struct stat status {};
    if (fstatat(opened.get(), file.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    return read_at(*kernel_, opened.get(), file.c_str());
}

void Cgroup::make(const std::string& name, const std::string& directory) const {
    const std::string& mount_point = mount_points_.at(name);
    UniqueFd at = open(mount_point);
    if (!at) throw Error(ErrorKind::system, "the cgroup file system " + quote(mount_point) + " is not there");
    for (const std::string& component : components_of(directory.substr(mount_point.size()))) {
        if (name.empty()) enable_controllers(*kernel_, at.get());
        const Result made = kernel_->make_directory(at.get(), component.c_str(), 0755);
        if (made < 0 && made != -EEXIST) {
            throw system_error(static_cast<int>(-made), "making the cgroup " + quote(directory));
        }
        const Result child = kernel_->open_beneath(at.get(), component.c_str(), O_PATH | O_DIRECTORY,
                                                   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        if (child < 0) throw system_error(static_cast<int>(-child), "opening the cgroup " + quote(directory));
        UniqueFd opened(static_cast<int>(child));
        if (CgroupHierarchy{name, "", ""}.has("cpuset")) fill_cpuset(*kernel_, at.get(), opened.get());
        at = std::move(opened);
    }
}

void Cgroup::check_unused() const {
    const std::vector<pid_t> inside = processes();
    if (!inside.empty()) {
        throw Error(ErrorKind::system, "the cgroup " + quote(paths_.begin()->second) +
                                           " has processes already, such as " + std::to_string(inside.front()));
    }
    if (frozen()) throw Error(ErrorKind::system, "the cgroup " + quote(paths_.begin()->second) + " is frozen");
}

void Cgroup::complete() const {
    for (const auto& [name, directory] : paths_) make(name, directory);
}

void Cgroup::create() const {
    check_unused();
    try {
        complete();
    } catch (...) {
        static_cast<void>(remove());
        throw;
    }
}

bool Cgroup::create_if_allowed() {
    try {
        create();
        return true;
    } catch (const Error& e) {
        if (!not_allowed(-e.error_number())) throw;
        paths_.clear();
        return false;
    }
}

CgroupEntrance Cgroup::entrance() const {
    CgroupEntrance out;
    for (const auto& [name, directory] : paths_) {
        UniqueFd opened = open(directory);
        if (!opened) throw Error(ErrorKind::system, "the cgroup " + quote(directory) + " is gone");
        if (name.empty()) {
            out.unified = std::move(opened);
            continue;
        }
        const Result tasks =
            kernel_->open_beneath(opened.get(), "tasks", O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        if (tasks < 0)
            throw system_error(static_cast<int>(-tasks), "opening the tasks of the cgroup " + quote(directory));
        out.legacy.push_back({UniqueFd(static_cast<int>(tasks)), directory});
    }
    return out;
}

void Cgroup::add(pid_t pid) const {
    for (const auto& [name, directory] : paths_) {
        const Result added = write(directory, "cgroup.procs", std::to_string(pid));
        if (added < 0) {
            throw system_error(static_cast<int>(-added),
                               "putting process " + std::to_string(pid) + " into the cgroup " + quote(directory));
        }
    }
}

Result Cgroup::write_one(const CgroupWrite& one, bool unified) const {
    const std::optional<std::string> directory = directory_of(unified ? "" : one.controller);
    if (!directory) {
        if (one.may_be_missing) return -ENOENT;
        throw Error(ErrorKind::spec, "the cgroup controller " + quote(one.controller) + " is not available here, but " +
                                         quote(one.file) + " is wanted");
    }
    Result result = write(*directory, one.file, one.value);
    // cgroup file systems have no create: a file that is not there cannot be opened with EACCES by root's rights
    // either.
    if (result == -ENOENT && !one.other_file.empty()) {
        result = write(*directory, one.other_file, one.other_value.empty() ? one.value : one.other_value);
    }
    return result;
}

void Cgroup::write_all_of(const std::vector<CgroupWrite>& writes, bool unified,
                          std::vector<std::string>& warnings) const {
    std::vector<CgroupWrite> ordered = writes;
    for (std::size_t i = 0; i < ordered.size(); ++i) {
        Result result = write_one(ordered[i], unified);
        if ((result == -EINVAL || result == -EBUSY) && ordered[i].may_swap_with_next && i + 1 < ordered.size()) {
            std::swap(ordered[i], ordered[i + 1]);
            ordered[i].may_swap_with_next = false;
            ordered[i + 1].may_swap_with_next = false;
            result = write_one(ordered[i], unified);
        }
        if (result >= 0) continue;
        const CgroupWrite& one = ordered[i];
        const bool gone = result == -ENOENT || result == -EOPNOTSUPP || result == -EINVAL;
        if (one.may_be_missing && gone) {
            warnings.push_back("the kernel no longer has the cgroup setting " + quote(one.file) + ", ignoring");
            continue;
        }
        const std::string directory = directory_of(unified ? "" : one.controller).value_or("");
        if (result == -ENOENT) {
            throw Error(ErrorKind::system, "the cgroup " + quote(directory) + " has no " + quote(one.file) +
                                               "; is the controller " + quote(one.controller) + " enabled?");
        }
        throw system_error(static_cast<int>(-result),
                           "writing " + quote(one.value) + " to " + file_of(directory, one.file));
    }
}

void Cgroup::check_memory(const Resources& resources) const {
    const MemoryResources& memory = resources.memory;
    // Version 1 refuses such a limit by itself.
    if (!memory.check_before_update || memory.limit.value_or(-1) < 0 || directory_of("memory")) return;
    const std::string current = trimmed(read("", "memory.current").value_or(""));
    if (!current.empty() && std::stoull(current) > static_cast<std::uint64_t>(*memory.limit)) {
        throw Error(ErrorKind::system,
                    "the memory limit " + std::to_string(*memory.limit) + " is below what is used already, " + current);
    }
}

void Cgroup::apply(const Resources& resources, std::vector<std::string>& warnings) const {
    if (!resources.limits_anything()) return;
    if (empty()) throw Error(ErrorKind::system, "'linux.resources' has limits, but there is no cgroup to set them in");
    const auto has_v1 = [&](std::string_view controller) { return directory_of(controller).has_value(); };
    std::vector<CgroupWrite> legacy;
    for (CgroupWrite& one : writes_for_v1(resources)) {
        if (has_v1(one.controller)) legacy.push_back(std::move(one));
    }
    write_all_of(legacy, false, warnings);
    const Resources rest = left_for_v2(resources, has_v1);
    if (!rest.limits_anything()) return;
    if (!directory_of("")) {
        // Names the first one that is missing.
        write_all_of(writes_for_v1(rest), false, warnings);
        throw Error(ErrorKind::spec, "'linux.resources.unified' is given, but there is no cgroup of version 2 here");
    }
    check_memory(resources);
    write_all_of(writes_for_v2(rest), true, warnings);
}

void Cgroup::restrict_devices(const std::vector<DeviceRule>& rules) const {
    if (rules.empty()) return;
    const std::vector<DeviceRule> all = with_default_devices(rules);
    if (const auto legacy = directory_of("devices")) {
        for (const DeviceRule& rule : all) {
            for (const std::string& line : device_lines(rule)) {
                const char* file = rule.allow ? "devices.allow" : "devices.deny";
                const Result written = write(*legacy, file, line);
                if (written >= 0) continue;
                throw system_error(static_cast<int>(-written),
                                   "writing " + quote(line) + " to " + file_of(*legacy, file));
            }
        }
        return;
    }
    const auto unified_one = directory_of("");
    if (!unified_one) throw Error(ErrorKind::system, "there is no cgroup to restrict devices in");
    const UniqueFd opened = open(*unified_one);
    attach_device_program(*kernel_, opened.get(), device_program(all));
}

void Cgroup::delegate(uid_t uid) const {
    if (!unified()) return;
    const std::string& directory = paths_.begin()->second;
    const UniqueFd opened = open(directory);
    if (!opened) return;
    std::vector<std::string> files = {""};
    std::string listed = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";
    try {
        listed = read_file("/sys/kernel/cgroup/delegate", kMaxFileBytes);
    } catch (const Error&) {
        // Before Linux 4.15; the specification has the list.
    }
    for (std::size_t at = 0; at < listed.size();) {
        const std::size_t end = std::min(listed.find('\n', at), listed.size());
        if (end > at) files.push_back(listed.substr(at, end - at));
        at = end + 1;
    }
    for (const std::string& file : files) {
        const Result given = kernel_->change_owner(opened.get(), file.c_str(), uid, static_cast<gid_t>(-1));
        if (given < 0 && given != -ENOENT) {
            throw system_error(static_cast<int>(-given), "giving away " + file_of(directory, file));
        }
    }
}

bool Cgroup::frozen() const {
    if (const auto state = read("freezer", "freezer.state")) return trimmed(*state) == "FROZEN";
    if (directory_of("freezer")) return false;
    return read("", "cgroup.events").value_or("").find("frozen 1") != std::string::npos;
}

void Cgroup::set_frozen(bool frozen_) const {
    const bool legacy = directory_of("freezer").has_value();
    const std::optional<std::string> directory = directory_of(legacy ? "freezer" : "");
    if (!directory) throw Error(ErrorKind::system, "there is no cgroup that could be frozen");
    const char* doing = frozen_ ? "freezing " : "thawing ";
    Result refused = 0;
    const bool done = within(kFreezePatienceMs, [&] {
        // Version 1 gives up half-way where a process is being forked, and must be told again.
        refused = legacy ? write(*directory, "freezer.state", frozen_ ? "FROZEN" : "THAWED")
                         : write(*directory, "cgroup.freeze", frozen_ ? "1" : "0");
        return refused < 0 || frozen() == frozen_;
    });
    if (refused < 0) throw system_error(static_cast<int>(-refused), doing + quote(*directory));
    if (!done) throw Error(ErrorKind::system, doing + quote(*directory) + ": it takes too long");
}

void Cgroup::freeze() const { set_frozen(true); }
void Cgroup::thaw() const { set_frozen(false); }

std::vector<pid_t> Cgroup::processes() const {
    std::vector<pid_t> out;
    const auto gather = [&](int directory) {
        const std::string text = read_at(*kernel_, directory, "cgroup.procs");
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            const pid_t pid = end > at && end - at < 10 ? std::stoi(text.substr(at, end - at)) : 0;
            if (pid > 0) out.push_back(pid);
            at = end + 1;
        }
    };
    // A process may have left one hierarchy, never all that root controls.
    for (const auto& [name, path] : paths_) {
        const UniqueFd opened = open(path);
        if (!opened) continue;
        gather(opened.get());
        walk(*kernel_, opened.get(), [&](int directory, int, const std::string&) { gather(directory); });
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

void Cgroup::kill(int signal) const {
    if (empty()) return;
    const std::optional<std::string> unified_one = directory_of("");
    // Linux 5.14: all at once, those in the middle of a fork too.
    const bool killed = signal == SIGKILL && unified_one && write(*unified_one, "cgroup.kill", "1") >= 0;
    const bool freezable = signal == SIGKILL && !killed;
    try {
        if (freezable) freeze();
    } catch (const Error&) {
        // Then they may fork while we look: they are killed one by one, until there are none.
    }
    for (int round = 0; round < (freezable ? 16 : 1); ++round) {
        const std::vector<pid_t> inside = processes();
        if (inside.empty()) break;
        for (const pid_t pid : inside) {
            const Result process = kernel_->open_pidfd(pid);
            if (process < 0) continue;
            const UniqueFd opened(static_cast<int>(process));
            static_cast<void>(kernel_->send_signal(opened.get(), signal));
        }
        if (freezable || (signal == SIGKILL && frozen())) {
            try {
                thaw();
            } catch (const Error&) {
                break;
            }
        }
        if (freezable) sleep_ms(1);
    }
}

bool Cgroup::wait_until_empty() const {
    return within(kPatienceMs, [&] { return processes().empty(); });
}

bool Cgroup::remove_empty() const noexcept {
    const auto takes_to_kill = [](const std::string& name) {
        return name.empty() || CgroupHierarchy{name, "", ""}.has("freezer");
    };
    for (const bool last : {false, true}) {
        for (const auto& [name, path] : paths_) {
            if (takes_to_kill(name) != last) continue;
            try {
                if (!open(path)) continue;
            } catch (const std::exception&) {
                return false;
            }
            const Result removed = kernel_->remove_directory(AT_FDCWD, path.c_str());
            if (removed < 0 && removed != -ENOENT) return false;
        }
    }
    return true;
}

bool Cgroup::remove() const noexcept {
    const auto gone = [this](const std::string& path) {
        try {
            const UniqueFd opened = open(path);
            if (!opened) return true;
            walk(*kernel_, opened.get(), [this](int, int parent, const std::string& child) {
                static_cast<void>(kernel_->remove_directory(parent, child.c_str()));
            });
            const Result result = kernel_->remove_directory(AT_FDCWD, path.c_str());
            return result == 0 || result == -ENOENT;
        } catch (const std::exception&) {
            return false;
        }
    };
    bool all = true;
    for (const auto& entry : paths_) {
        const std::string& path = entry.second;
        all = within(kPatienceMs, [&] { return gone(path); }) && all;
    }
    return all;
}

}  // namespace smith::runtime
