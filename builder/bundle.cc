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

namespace smith::builder {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "bundle-";

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

/// In a directory that everybody may write to, the name may be somebody else's.
void make_passable(const fs::path& directory) {
    if (::mkdir(directory.c_str(), 0711) == 0 && ::chmod(directory.c_str(), 0711) == 0) return;
    struct stat st {};
    const bool is_ours = errno == EEXIST && ::lstat(directory.c_str(), &st) == 0 && S_ISDIR(st.st_mode) &&
                         st.st_uid == ::geteuid() && (st.st_mode & 0022) == 0;
    if (!is_ours) throw Error(ErrorKind::system, quote(directory.string()) + " is not a directory of our own");
}

/// Where others may pass on their way to a bundle: `scratch`, or, since caches are for their owner alone, a directory
/// below the one for temporary files that outlast a reboot (they are large, and /tmp may be in memory).
fs::path passable(const fs::path& scratch) {
    make_cache_directory(scratch);
    if (first_closed_directory(scratch).empty()) return scratch;
    const char* named = std::getenv("TMPDIR");
    const fs::path temporary = named != nullptr && *named == '/' ? named : "/var/tmp";
    fs::path own = temporary / ("smith-" + std::to_string(::geteuid()));
    make_passable(own);
    return own;
}

}  // namespace

fs::path first_closed_directory(const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    fs::path at;
    for (const fs::path& part : error ? fs::absolute(path) : real) {
        at /= part;
        struct stat st {};
        if (::stat(at.c_str(), &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & S_IXOTH) == 0) return at;
    }
    return {};
}

Bundle::Bundle(const RunnableImage& image, const fs::path& scratch, const std::optional<fs::path>& write, RunBy by)
    : contained_(contained_as(image, write, by)) {
    fs::path parent = scratch;
    if (by == RunBy::any_runtime) {
        parent = passable(scratch);
    } else {
        make_cache_directory(scratch);
    }
    sweep_bundles(parent);
    path_ = make_directory(parent);
    try {
        lock_ = lock_directory(path_);
        check_may_execute(path_);
        // Its name is known to nobody, and there is nothing in it that others may write to.
        if (by == RunBy::any_runtime && ::chmod(path_.c_str(), 0711) != 0) {
            throw system_error(errno, "opening " + quote(path_.string()) + " to others");
        }
        contained_.lay_down(image, path_ / "rootfs");
    } catch (...) {
        remove_tree(path_);
        throw;
    }
}

Bundle::~Bundle() {
    // The container's own files are only here; the rest is ours.
    if (std::error_code ignored; std::filesystem::exists(path_ / "write", ignored)) contained_.remove(path_ / "write");
    remove_tree(path_);
}

fs::path Bundle::make_write_directory() {
    const fs::path out = path_ / "write";
    make_open_directory(out);
    contained_.own(out);
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
    write_file_atomically(path_ / "config.json", contained_.config_json(settings), 0600);
}

}  // namespace smith::builder
