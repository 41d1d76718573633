// SPDX-License-Identifier: Apache-2.0
#include "runtime/devices.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "runtime/scoped_fd.h"

namespace smith::runtime {

namespace {

mode_t type_of(char type) noexcept { return type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR; }

/// 0 when what stands there is the device that is wanted.
Result check_node(Kernel& kernel, int parent, const char* name, const PlannedDevice& device) noexcept {
    const Scoped there(kernel, kernel.open_beneath(parent, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH));
    if (there.failed()) return there.error();
    struct statx status {};
    const Result looked = kernel.status(there.get(), status);
    if (looked < 0) return looked;
    const bool same = (status.stx_mode & S_IFMT) == type_of(device.type) &&
                      (device.type == 'p' || (status.stx_rdev_major == major(device.number) &&
                                              status.stx_rdev_minor == minor(device.number)));
    return same ? 0 : -EEXIST;
}

Result make_node(Stage& stage, const PlannedDevice& device) noexcept {
    Kernel& kernel = stage.kernel;
    const std::string& path = device.place.prefixes.back();
    const std::size_t slash = path.rfind('/');
    const char* name = path.c_str() + (slash == std::string::npos ? 0 : slash + 1);
    const Scoped parent(kernel, open_parent(stage, device.place));
    if (parent.failed()) return parent.error();
    const Result made = kernel.make_node(parent.get(), name, type_of(device.type) | device.mode, device.number);
    if (made == -EEXIST) return check_node(kernel, parent.get(), name, device);
    if (made < 0 || (device.uid == stage.plan.setup_uid && device.gid == stage.plan.setup_gid)) return made;
    return kernel.change_owner(parent.get(), name, device.uid, device.gid);
}

}  // namespace

Result make_devices(Stage& stage) noexcept {
    for (const PlannedDevice& device : stage.plan.devices) {
        Result result = device.make ? make_node(stage, device) : -EPERM;
        // A sandbox, or a parent's user namespace, lets root make no nodes. An image that has an empty file for each
        // device, as Docker's exports do, has them covered.
        const bool covered = result == -EPERM || (result == -EEXIST && !device.strict);
        if (covered && device.type != 'p') result = mount_one(stage, device.shown);
        if (result < 0) return result;
        ++stage.item;
    }
    return 0;
}

}  // namespace smith::runtime
