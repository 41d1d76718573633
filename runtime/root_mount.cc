// SPDX-License-Identifier: Apache-2.0
#include "runtime/root_mount.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/fd.h"

namespace smith::runtime {

namespace {

/// The mount that `path` leads to, or -errno.
Result mount_of(Kernel& kernel, const char* path) noexcept {
    const Result fd = kernel.open_path(path, O_PATH | O_DIRECTORY);
    if (fd < 0) return fd;
    struct statx status {};
    const Result result = kernel.status(static_cast<int>(fd), status);
    kernel.close(static_cast<int>(fd));
    if (result < 0) return result;
    return (status.stx_mask & STATX_MNT_ID) != 0 ? static_cast<Result>(status.stx_mnt_id) : -ENOSYS;
}

}  // namespace

RootMount remember_root(Kernel& kernel, const std::string& path) {
    const Result id = mount_of(kernel, path.c_str());
    if (id < 0) throw system_error(static_cast<int>(-id), "looking at the root " + quote(path));
    return {path, static_cast<std::uint64_t>(id)};
}

void detach_root(Kernel& kernel, const RootMount& mount) noexcept {
    if (mount.path.empty()) return;
    const Result now = mount_of(kernel, mount.path.c_str());
    if (now >= 0 && static_cast<std::uint64_t>(now) != mount.before) kernel.detach_mount(mount.path.c_str());
}

}  // namespace smith::runtime
