// SPDX-License-Identifier: Apache-2.0
#include "builder/bundle.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/atomic_file.h"
#include "base/cache_directory.h"
#include "base/error.h"
#include "builder/rootfs.h"
#include "runtime/spec.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "bundle-";
constexpr std::string_view kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Everything below `path`, also where a program under test took away our own right to look into a directory.
void remove_tree(const fs::path& path) noexcept {
    std::error_code ignored;
    for (auto it = fs::recursive_directory_iterator(path, ignored);
         !ignored && it != fs::recursive_directory_iterator(); it.increment(ignored)) {
        if (it->is_directory(ignored) && !it->is_symlink(ignored)) {
            fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
        }
    }
    fs::remove_all(path, ignored);
}

/// Held as long as the bundle is in use; an owner that was killed holds it no more.
UniqueFd lock_directory(const fs::path& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) fd.reset();
    return fd;
}

void sweep_bundles(const fs::path& scratch) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(scratch, ignored)) {
        if (!entry.path().filename().string().starts_with(kPrefix)) continue;
        struct stat st {};
        struct timespec now {};
        if (::lstat(entry.path().c_str(), &st) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) continue;
        // Between its making and its locking nobody holds a new one yet.
        if (st.st_uid != ::geteuid() || now.tv_sec - st.st_ctim.tv_sec < 60) continue;
        if (const UniqueFd lock = lock_directory(entry.path())) remove_tree(entry.path());
    }
}

fs::path make_directory(const fs::path& scratch) {
    make_cache_directory(scratch);
    std::string name = (fs::absolute(scratch) / (std::string(kPrefix) + "XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr) throw system_error(errno, "creating a bundle in " + quote(scratch.string()));
    return name;
}

/// Else it would seem to be the image's fault: "Permission denied".
void check_may_execute(const fs::path& path) {
    struct statvfs st {};
    if (::statvfs(path.c_str(), &st) != 0 || (st.f_flag & ST_NOEXEC) == 0) return;
    throw Error(ErrorKind::system, "nothing may be executed below " + quote(path.parent_path().string()) +
                                       ", which is mounted noexec; --cache-dir DIR names another place");
}

/// Mode 0755, whatever the umask.
void make_open_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) {
        throw system_error(errno, "creating " + quote(path.string()));
    }
}

/// The container's user is outside whoever owns the directory it will write to.
runtime::IdMappings ids_like(const fs::path& directory, const ImageUser& user) {
    struct stat st {};
    if (::stat(directory.c_str(), &st) != 0) throw system_error(errno, "looking at " + quote(directory.string()));
    return {{{user.uid, st.st_uid, 1}}, {{user.gid, st.st_gid, 1}}};
}

runtime::IdMappings choose_ids(const ImageUser& user, const std::optional<fs::path>& write) {
    if (write && ::geteuid() == 0) return ids_like(*write, user);
    return runtime::choose_mappings(user.uid, user.gid, runtime::MappingChoice::automatic);
}

void check_platform(const ocilayout::ImageConfig& config) {
    if (can_run_here(config)) return;
    const ocilayout::Platform host = ocilayout::host_platform();
    throw Error(ErrorKind::usage, "the image is for " + quote(to_string(config.platform)) + ", and this machine is " +
                                      quote(to_string(host)) + ": it can't run here");
}

bool names(const std::string& assignment, std::string_view name) {
    return assignment.starts_with(name) && assignment.size() > name.size() && assignment[name.size()] == '=';
}

/// The image's, with what docker and podman add to it, and `added` over both. Nothing of our own environment.
std::vector<std::string> environment(const std::vector<std::string>& image, const ImageUser& user,
                                     const std::vector<std::string>& added) {
    std::vector<std::string> out = image;
    const auto has = [&](std::string_view name) {
        return std::ranges::any_of(out, [&](const auto& one) { return names(one, name); });
    };
    if (!has("PATH")) out.emplace_back(kDefaultPath);
    if (!has("HOME")) out.push_back("HOME=" + user.home);
    for (const std::string& assignment : added) {
        const std::string name = assignment.substr(0, assignment.find('='));
        std::erase_if(out, [&](const auto& one) { return names(one, name); });
        out.push_back(assignment);
    }
    return out;
}

std::vector<std::string> command(const ocilayout::ImageConfig& config, const RunSettings& settings) {
    std::vector<std::string> out = settings.entrypoint.empty() ? config.entrypoint : settings.entrypoint;
    const bool use_cmd = settings.args.empty() && settings.entrypoint.empty();
    const std::vector<std::string>& rest = use_cmd ? config.cmd : settings.args;
    out.insert(out.end(), rest.begin(), rest.end());
    if (out.empty()) {
        throw Error(ErrorKind::usage, "the image has neither an entrypoint nor a cmd: say what to run");
    }
    return out;
}

}  // namespace

bool can_run_here(const ocilayout::ImageConfig& config) {
    const ocilayout::Platform host = ocilayout::host_platform();
    return config.platform.os == host.os && config.platform.architecture == host.architecture;
}

Bundle::Bundle(const RunnableImage& image, const fs::path& scratch, const std::optional<fs::path>& write)
    : config_(image.config) {
    check_platform(image.config);
    user_ = resolve_user(image.config.user, image.tree, image.contents);
    if (write) fs::create_directories(*write);
    ids_ = choose_ids(user_, write);
    sweep_bundles(scratch);
    path_ = make_directory(scratch);
    try {
        lock_ = lock_directory(path_);
        check_may_execute(path_);
        const fs::path rootfs = path_ / "rootfs";
        make_open_directory(rootfs);
        std::optional<HostOwner> owner;
        if (::geteuid() == 0) owner = HostOwner{ids_.host_uid(user_.uid), ids_.host_gid(user_.gid)};
        write_rootfs(image.tree, image.contents, rootfs, owner);
    } catch (...) {
        remove_tree(path_);
        throw;
    }
}

Bundle::~Bundle() { remove_tree(path_); }

fs::path Bundle::make_write_directory() {
    const fs::path out = path_ / "write";
    make_open_directory(out);
    if (::geteuid() == 0 && ::chown(out.c_str(), ids_.host_uid(user_.uid), ids_.host_gid(user_.gid)) != 0) {
        throw system_error(errno, "changing the owner of " + quote(out.string()));
    }
    return out;
}

bool Bundle::is_whole(const FileTree& tree) const {
    const fs::path rootfs = path_ / "rootfs";
    return std::ranges::all_of(tree.entries(), [&](const auto& entry) {
        struct stat st {};
        return ::lstat((rootfs / entry.first.relative()).c_str(), &st) == 0;
    });
}

void Bundle::configure(const RunSettings& settings) {
    runtime::SpecParameters parameters;
    parameters.args = command(config_, settings);
    parameters.env = environment(config_.env, user_, settings.env);
    if (!config_.working_dir.empty()) parameters.cwd = config_.working_dir;
    parameters.uid = user_.uid;
    parameters.gid = user_.gid;
    // A single mapped group is all that an ordinary user may have.
    std::ranges::copy_if(user_.additional_gids, std::back_inserter(parameters.additional_gids),
                         [&](std::uint32_t gid) { return runtime::map_id(ids_.gids, gid).has_value(); });
    parameters.mappings = ids_;
    parameters.host_network = settings.host_network;
    if (settings.write) parameters.write_directory = fs::absolute(*settings.write);
    if (settings.read) parameters.read_directory = fs::absolute(*settings.read);
    for (const std::string& volume : config_.volumes) {
        if (volume != "/write" && volume != "/run" && volume != "/read") parameters.tmpfs_directories.push_back(volume);
    }
    // An unprivileged process that is the host's root outside must not share a network namespace with services that
    // trust root by its uid (containerd's abstract socket, CVE-2020-15257).
    if (settings.host_network && ::geteuid() == 0 && ids_.host_uid(user_.uid) == 0) {
        throw Error(ErrorKind::usage,
                    "with the host's network, the directory for /write must not belong to root: "
                    "chown it to somebody else");
    }
    write_file_atomically(path_ / "config.json", runtime::default_config(parameters), 0600);
}

}  // namespace smith::builder
