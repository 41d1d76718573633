// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/layout_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <string>
#include <utility>

#include "base/error.h"

namespace smith::ocilayout {

namespace {

/// flock(2) can fail only where a file system has none.
void lock(int fd, int how) {
    while (::flock(fd, how) != 0 && errno == EINTR) {
    }
}

/// All layouts that this process has open: one open file each, as flock belongs to that.
struct Locks {
    std::mutex mutex;
    std::map<std::pair<dev_t, ino_t>, std::weak_ptr<LayoutLock>> by_inode;
};

Locks& locks() {
    static Locks instance;
    return instance;
}

}  // namespace

void LayoutLock::lock_exclusive() {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [this] { return !has_writer_; });
    has_writer_ = true;
    guard.unlock();
    lock(fd_.get(), LOCK_EX);
}

void LayoutLock::unlock_exclusive() {
    lock(fd_.get(), LOCK_SH);
    const std::lock_guard guard(mutex_);
    has_writer_ = false;
    changed_.notify_all();
}

std::shared_ptr<LayoutLock> share_layout(const UniqueFd& directory) {
    struct stat st {};
    if (::fstat(directory.get(), &st) != 0) throw system_error(errno, "looking at a layout");
    Locks& all = locks();
    const std::lock_guard guard(all.mutex);
    std::weak_ptr<LayoutLock>& known = all.by_inode[{st.st_dev, st.st_ino}];
    if (std::shared_ptr<LayoutLock> held = known.lock()) return held;
    // An open file of its own: a copy of the descriptor would share its lock with whatever its owner does.
    auto made = std::make_shared<LayoutLock>(
        open_file("/proc/self/fd/" + std::to_string(directory.get()), O_RDONLY | O_DIRECTORY));
    lock(made->fd_.get(), LOCK_SH);
    known = made;
    return made;
}

}  // namespace smith::ocilayout
