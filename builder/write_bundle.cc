// SPDX-License-Identifier: Apache-2.0
#include "builder/write_bundle.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/fd.h"
#include "builder/bundle.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;

/// The prefix is that of all temporaries: what an interrupt finds open and locked under it is cleared away
/// (tools/smith/interrupt.h).
constexpr std::string_view kUnfinished = ".tmp-bundle-";

bool is_abandoned(const fs::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

/// What a kill -9 left of an earlier try does not count.
void check_empty(const fs::path& directory) {
    for (const auto& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(kUnfinished) && is_abandoned(entry.path())) {
            remove_tree(entry.path());
            continue;
        }
        throw Error(ErrorKind::usage, quote(directory.string()) + " is not empty: there is " + quote(name) + " in it");
    }
}

/// Returns whether it was made, rather than there.
bool make_or_check(const fs::path& directory) {
    if (::mkdir(directory.c_str(), 0777) == 0) return true;
    if (errno != EEXIST) throw system_error(errno, "creating the bundle " + quote(directory.string()));
    if (!fs::is_directory(directory)) throw Error(ErrorKind::usage, quote(directory.string()) + " is not a directory");
    check_empty(directory);
    return false;
}

/// The image's files below a name of the moment, with the lock that says that somebody works on them.
class UnfinishedRootfs {
public:
    explicit UnfinishedRootfs(const fs::path& bundle)
        : path_((bundle / (std::string(kUnfinished) + "XXXXXX")).string()) {
        if (::mkdtemp(path_.data()) == nullptr) throw system_error(errno, "writing to " + quote(bundle.string()));
        lock_ = UniqueFd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!lock_ || ::flock(lock_.get(), LOCK_EX) != 0) throw system_error(errno, "locking " + quote(path_));
    }
    UnfinishedRootfs(const UnfinishedRootfs&) = delete;
    UnfinishedRootfs& operator=(const UnfinishedRootfs&) = delete;
    ~UnfinishedRootfs() { remove_tree(path_); }

    [[nodiscard]] fs::path rootfs() const { return fs::path(path_) / "rootfs"; }

private:
    std::string path_;
    UniqueFd lock_;
};

void fill(const RunnableImage& image, const Contained& contained, const std::string& config, const fs::path& bundle) {
    const fs::path rootfs = bundle / "rootfs";
    const UnfinishedRootfs unfinished(bundle);
    contained.lay_down(image, unfinished.rootfs());
    if (::rename(unfinished.rootfs().c_str(), rootfs.c_str()) != 0) {
        throw system_error(errno, "naming " + quote(rootfs.string()));
    }
    try {
        // For the owner alone: a variable may be a password.
        write_file_atomically(bundle / "config.json", config, 0600);
    } catch (...) {
        remove_tree(rootfs);
        throw;
    }
}

/// runc and others enter as the container's id 0, which is nobody's on the host.
void warn_of_closed(const Contained& contained, const fs::path& bundle, Reporter& reporter) {
    const bool only_own = contained.ids.uids.size() == 1 && contained.ids.uids.front().count == 1;
    if (only_own) {
        reporter.warn(
            "there are no subordinate ids for you in /etc/subuid and /etc/subgid: railcar and crun can do with your "
            "own id, runc can't");
        return;
    }
    const fs::path closed = first_closed_directory(bundle);
    if (closed.empty()) return;
    reporter.warn(quote(closed.string()) +
                  " is closed to others: a runtime that looks for the bundle as a user of the container, as runc "
                  "does, will not find it there");
}

}  // namespace

void write_bundle(const RunnableImage& image, const RunSettings& settings, const fs::path& directory,
                  Reporter& reporter) {
    while_doing([&] { return "writing the bundle " + quote(directory.string()); },
                [&] {
                    // What can be wrong is wrong before anything is made.
                    const Contained contained = contained_as(image, settings.write, RunBy::any_runtime);
                    const std::string config = contained.config_json(settings);
                    const bool made = make_or_check(directory);
                    try {
                        fill(image, contained, config, directory);
                    } catch (...) {
                        if (made) static_cast<void>(::rmdir(directory.c_str()));
                        throw;
                    }
                    warn_of_closed(contained, directory, reporter);
                });
}

}  // namespace smith::builder
