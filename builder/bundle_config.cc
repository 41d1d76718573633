// SPDX-License-Identifier: Apache-2.0
#include "builder/bundle_config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/error.h"
#include "builder/container_root.h"
#include "builder/rootfs.h"
#include "runtime/mountinfo.h"
#include "runtime/spec.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The container's user is outside whoever owns the directory it will write to.
runtime::IdMappings ids_like(const fs::path& directory, const ImageUser& user, RunBy by) {
    struct stat st {};
    if (::stat(directory.c_str(), &st) != 0) throw system_error(errno, "looking at " + quote(directory.string()));
    if (by == RunBy::any_runtime) return runtime::range_around(user.uid, user.gid, st.st_uid, st.st_gid);
    return {{{user.uid, st.st_uid, 1}}, {{user.gid, st.st_gid, 1}}};
}

runtime::IdMappings choose_ids(const ImageUser& user, const std::optional<fs::path>& write, RunBy by) {
    if (write && ::geteuid() == 0) return ids_like(*write, user, by);
    if (by == RunBy::any_runtime && ::geteuid() != 0) {
        try {
            // runc wants its caller to be id 0 inside, but then only a subordinate id could write to the caller's
            // files.
            if (write) return runtime::range_around(user.uid, user.gid, ::geteuid(), ::getegid());
            return runtime::choose_mappings(user.uid, user.gid, runtime::MappingChoice::range);
        } catch (const Error&) {
            // Without subordinate ids there is the own one, with which crun and railcar can do.
        }
    }
    return runtime::choose_mappings(user.uid, user.gid, runtime::MappingChoice::automatic);
}

/// True also when that can't be known.
bool has_mounts_below(const fs::path& directory) {
    try {
        const std::string prefix = (fs::canonical(directory) / "").string();
        return std::ranges::any_of(runtime::read_mountinfo(),
                                   [&](const auto& mount) { return mount.mount_point.starts_with(prefix); });
    } catch (const std::exception&) {
        return true;
    }
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

Contained contained_as(const RunnableImage& image, const std::optional<fs::path>& write, RunBy by) {
    check_platform(image.config);
    Contained out;
    out.config = image.config;
    out.user = resolve_user(image.config.user, image.tree, image.contents);
    if (write) fs::create_directories(*write);
    out.ids = choose_ids(out.user, write, by);
    return out;
}

void Contained::lay_down(const RunnableImage& image, const fs::path& rootfs) const {
    make_open_directory(rootfs);
    std::optional<HostOwner> owner;
    if (::geteuid() == 0) owner = HostOwner{ids.host_uid(user.uid), ids.host_gid(user.gid)};
    write_rootfs(image.tree, image.contents, rootfs, owner);
}

void Contained::own(const fs::path& path) const {
    if (::geteuid() != 0 && ids.host_uid(user.uid) == ::geteuid()) return;
    if (::geteuid() != 0) {
        const std::string owner = std::to_string(user.uid) + ":" + std::to_string(user.gid);
        run_as_container_root(ids, {"/bin/chown", owner, path.string()});
    } else if (::chown(path.c_str(), ids.host_uid(user.uid), ids.host_gid(user.gid)) != 0) {
        throw system_error(errno, "changing the owner of " + quote(path.string()));
    }
}

void Contained::remove(const fs::path& path) const noexcept {
    try {
        if (::geteuid() != 0 && ids.host_uid(user.uid) != ::geteuid()) {
            run_as_container_root(ids, {"/bin/rm", "-rf", "--", path.string()});
        }
    } catch (const Error&) {
        // What is left of it is a matter of the next lines.
    }
    remove_tree(path);
}

std::string Contained::config_json(const RunSettings& settings) const {
    runtime::SpecParameters parameters;
    parameters.args = command(config, settings);
    parameters.env = environment(config.env, user, settings.env);
    if (!config.working_dir.empty()) parameters.cwd = config.working_dir;
    parameters.uid = user.uid;
    parameters.gid = user.gid;
    // A single mapped group is all that an ordinary user may have.
    std::ranges::copy_if(user.additional_gids, std::back_inserter(parameters.additional_gids),
                         [&](std::uint32_t gid) { return runtime::map_id(ids.gids, gid).has_value(); });
    parameters.mappings = ids;
    parameters.host_network = settings.host_network;
    if (settings.write) parameters.write_directory = fs::absolute(*settings.write);
    if (settings.read) {
        parameters.read_directory = fs::absolute(*settings.read);
        parameters.read_has_mounts = has_mounts_below(parameters.read_directory);
    }
    for (const std::string& volume : config.volumes) {
        if (volume != "/write" && volume != "/run" && volume != "/read") parameters.tmpfs_directories.push_back(volume);
    }
    // An unprivileged process that is the host's root outside must not share a network namespace with services that
    // trust root by its uid (containerd's abstract socket, CVE-2020-15257).
    if (settings.host_network && ::geteuid() == 0 && ids.host_uid(user.uid) == 0) {
        throw Error(ErrorKind::usage,
                    "with the host's network, the directory for /write must not belong to root: "
                    "chown it to somebody else");
    }
    return runtime::default_config(parameters);
}

void make_open_directory(const fs::path& path) {
    if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) {
        throw system_error(errno, "creating " + quote(path.string()));
    }
}

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

}  // namespace smith::builder
