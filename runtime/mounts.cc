// SPDX-License-Identifier: Apache-2.0
#include "runtime/mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/copy_up.h"
#include "runtime/scoped_fd.h"

namespace smith::runtime {

namespace {

const char* last_component(const std::string& path) noexcept {
    const std::size_t slash = path.rfind('/');
    return path.c_str() + (slash == std::string::npos ? 0 : slash + 1);
}

std::uint64_t resolution(bool refuse_symlinks) noexcept {
    return RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (refuse_symlinks ? RESOLVE_NO_SYMLINKS : 0U);
}

/// Makes one missing component of a place. Where the name is taken, by a dangling symlink, that is the error.
Result make_component(Kernel& kernel, int parent, const char* name, bool directory) noexcept {
    constexpr std::uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    if (!directory) return kernel.open_beneath(parent, name, O_CREAT | O_EXCL | O_WRONLY, resolve, 0644);
    const Result made = kernel.make_directory(parent, name, 0755);
    if (made < 0) return made;
    return kernel.open_beneath(parent, name, O_PATH | O_DIRECTORY, resolve);
}

/// Makes what is missing of the first `count` prefixes, and returns the last of them, opened.
Result make_prefixes(Stage& stage, const Place& place, std::size_t count, std::uint64_t resolve,
                     bool directory) noexcept {
    Kernel& kernel = stage.kernel;
    Result parent = stage.root;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string& prefix = place.prefixes[i];
        const bool last = i + 1 == count;
        Result fd = kernel.open_beneath(stage.root, prefix.c_str(), O_PATH, resolve);
        if (fd == -ENOENT) {
            fd = make_component(kernel, static_cast<int>(parent), last_component(prefix), directory || !last);
        }
        if (parent != stage.root) kernel.close(static_cast<int>(parent));
        if (fd < 0) return fd;
        parent = fd;
    }
    return parent;
}

/// Opens `place`, and makes what is missing of it.
Result open_or_make(Stage& stage, const Place& place, std::uint64_t resolve, bool directory) noexcept {
    const Result found = stage.kernel.open_beneath(stage.root, place.path(), O_PATH, resolve);
    if (found != -ENOENT) return found;
    return make_prefixes(stage, place, place.prefixes.size(), resolve, directory);
}

/// What the kernel says about a file system that it will not mount, such as "tmpfs: Bad value for 'size'".
void keep_log(Stage& stage, int context) noexcept {
    // Without a word to say the read fails; that is no failure of its own, so it does not pass through `stage.kernel`.
    const ssize_t length = ::read(context, stage.text, sizeof stage.text - 1);
    if (length > 0) stage.text[length] = '\0';
}

Result configure(Kernel& kernel, int context, const PlannedMount& mount) noexcept {
    if (!mount.source.empty()) {
        const Result set = kernel.configure_file_system(context, FSCONFIG_SET_STRING, "source", mount.source.c_str());
        if (set < 0) return set;
    }
    for (const FileSystemOption& option : mount.options.data) {
        const Result set =
            option.value
                ? kernel.configure_file_system(context, FSCONFIG_SET_STRING, option.key.c_str(), option.value->c_str())
                : kernel.configure_file_system(context, FSCONFIG_SET_FLAG, option.key.c_str(), nullptr);
        if (set < 0) return set;
    }
    return kernel.configure_file_system(context, FSCONFIG_CMD_CREATE, nullptr, nullptr);
}

Result make_file_system(Stage& stage, const PlannedMount& mount) noexcept {
    const Scoped context(stage.kernel, stage.kernel.open_file_system(mount.type.c_str()));
    if (context.failed()) return context.error();
    Result result = configure(stage.kernel, context.get(), mount);
    const std::uint64_t later = mount.options.copy_up ? MOUNT_ATTR_RDONLY : 0;
    if (result == 0) result = stage.kernel.mount_file_system(context.get(), mount.options.set & ~later);
    if (result < 0) keep_log(stage, context.get());
    return result;
}

/// The kernel gives a sysfs only to the owner of the network namespace. Where that is the host's, its own /sys is
/// shown, with all that is mounted in it, read-only: the cgroups below it must not be written to (CVE-2023-25809).
Result borrow_sysfs(Stage& stage) noexcept {
    const Result tree = stage.kernel.clone_tree("/sys", true);
    if (tree < 0) return tree;
    const Result sealed = stage.kernel.set_mount_attributes(
        static_cast<int>(tree), true, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0,
        kPrivatePropagation);
    if (sealed < 0) stage.kernel.close(static_cast<int>(tree));
    return sealed < 0 ? sealed : tree;
}

Result make_tree(Stage& stage, const PlannedMount& mount) noexcept {
    if (mount.type == "bind") return clone_source(stage.kernel, mount);
    const Result tree = make_file_system(stage, mount);
    return tree == -EPERM && mount.type == "sysfs" ? borrow_sysfs(stage) : tree;
}

Result set_attributes(Stage& stage, int tree, const PlannedMount& mount) noexcept {
    const MountOptions& options = mount.options;
    if (options.recursive_set != 0 || options.recursive_clear != 0) {
        const Result result =
            stage.kernel.set_mount_attributes(tree, true, options.recursive_set, options.recursive_clear, 0);
        if (result < 0) return result;
    }
    if (!options.bind || (options.set == 0 && options.clear == 0)) return 0;
    return stage.kernel.set_mount_attributes(tree, false, options.set, options.clear, 0);
}

Result attach(Stage& stage, int tree, int target, const MountOptions& options) noexcept {
    const Result moved = stage.kernel.move_mount(tree, target);
    if (moved < 0 || options.propagation == 0 || options.propagation == kPrivatePropagation) return moved;
    return stage.kernel.set_mount_attributes(tree, options.recursive_propagation, 0, 0, options.propagation);
}

Result is_directory(Kernel& kernel, int fd) noexcept {
    struct statx status {};
    const Result result = kernel.status(fd, status);
    return result < 0 ? result : static_cast<Result>(S_ISDIR(status.stx_mode));
}

/// What is mounted there already gets other attributes.
Result remount(Stage& stage, const PlannedMount& mount) noexcept {
    const Scoped target(stage.kernel, stage.kernel.open_beneath(stage.root, mount.place.path(), O_PATH,
                                                                resolution(mount.refuse_symlinks)));
    if (target.failed()) return target.error();
    const MountOptions& options = mount.options;
    Result result = 0;
    if (options.recursive_set != 0 || options.recursive_clear != 0) {
        result =
            stage.kernel.set_mount_attributes(target.get(), true, options.recursive_set, options.recursive_clear, 0);
    }
    if (result < 0 || (options.set == 0 && options.clear == 0)) return result;
    return stage.kernel.set_mount_attributes(target.get(), false, options.set, options.clear, 0);
}

/// The mount is still detached here, so that nobody sees it half full; it is read-only only when it is full.
Result fill(Stage& stage, int tree, int target, const MountOptions& options) noexcept {
    if (!options.copy_up) return 0;
    const Scoped top(stage.kernel, stage.kernel.open_beneath(tree, ".", O_RDONLY | O_DIRECTORY,
                                                             RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
    if (top.failed()) return top.error();
    const Result copied = copy_up(stage.kernel, target, top.get());
    if (copied < 0 || (options.set & MOUNT_ATTR_RDONLY) == 0) return copied;
    return stage.kernel.set_mount_attributes(tree, false, MOUNT_ATTR_RDONLY, 0, 0);
}

}  // namespace

Result open_on(Stage& stage, const char* path, std::uint64_t flags, Result type) noexcept {
    Kernel& kernel = stage.kernel;
    const Result opened =
        kernel.open_beneath(stage.root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (opened < 0) return opened;
    const int fd = static_cast<int>(opened);
    const Result found = kernel.file_system_type(fd);
    if (found == type) return opened;
    kernel.close(fd);
    return found < 0 ? found : -EXDEV;
}

Result mount_one(Stage& stage, const PlannedMount& mount) noexcept {
    if (mount.options.remount) return remount(stage, mount);
    const Result made = mount.tree ? mount.tree.get() : make_tree(stage, mount);
    if (made < 0) return made;
    const Scoped tree(stage.kernel, made);
    const Result attributes = set_attributes(stage, tree.get(), mount);
    if (attributes < 0) return attributes;
    const Result directory = is_directory(stage.kernel, tree.get());
    if (directory < 0) return directory;
    const Scoped target(stage.kernel,
                        open_or_make(stage, mount.place, resolution(mount.refuse_symlinks), directory == 1));
    if (target.failed()) return target.error();
    const Result filled = fill(stage, tree.get(), target.get(), mount.options);
    return filled < 0 ? filled : attach(stage, tree.get(), target.get(), mount.options);
}

Result open_parent(Stage& stage, const Place& place) noexcept {
    const std::size_t above = place.prefixes.size() - 1;
    const std::uint64_t resolve = resolution(true);
    if (above == 0) return stage.kernel.open_beneath(stage.root, ".", O_PATH | O_DIRECTORY, resolve);
    const Result found =
        stage.kernel.open_beneath(stage.root, place.prefixes[above - 1].c_str(), O_PATH | O_DIRECTORY, resolve);
    return found == -ENOENT ? make_prefixes(stage, place, above, resolve, true) : found;
}

namespace {

/// An empty, read-only directory, or the host's /dev/null, whatever the image has under that name (CVE-2025-31133).
Result make_cover(Stage& stage, bool directory) noexcept {
    if (!directory) return clone_source(stage.kernel, stage.plan.null_device);
    const Scoped context(stage.kernel, stage.kernel.open_file_system("tmpfs"));
    if (context.failed()) return context.error();
    const Result made = stage.kernel.configure_file_system(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr);
    if (made < 0) return made;
    return stage.kernel.mount_file_system(context.get(),
                                          MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/// A place that is not there needs no cover.
bool nothing_there(Result result) noexcept { return result == -ENOENT || result == -ENOTDIR; }

Result mask(Stage& stage, const Place& place) noexcept {
    const Scoped target(stage.kernel, stage.kernel.open_beneath(stage.root, place.path(), O_PATH, resolution(false)));
    if (target.failed()) return nothing_there(target.error()) ? 0 : target.error();
    const Result directory = is_directory(stage.kernel, target.get());
    if (directory < 0) return directory;
    const Scoped cover(stage.kernel, make_cover(stage, directory == 1));
    return cover.failed() ? cover.error() : stage.kernel.move_mount(cover.get(), target.get());
}

/// One descriptor is both what is bound and where it is bound: there is no second look at the path.
Result make_readonly(Stage& stage, const Place& place) noexcept {
    const Scoped target(stage.kernel, stage.kernel.open_beneath(stage.root, place.path(), O_PATH, resolution(false)));
    if (target.failed()) return nothing_there(target.error()) ? 0 : target.error();
    const Scoped copy(stage.kernel, stage.kernel.clone_tree(target.get(), true));
    if (copy.failed()) return copy.error();
    const Result sealed = stage.kernel.set_mount_attributes(copy.get(), true, MOUNT_ATTR_RDONLY, 0, 0);
    return sealed < 0 ? sealed : stage.kernel.move_mount(copy.get(), target.get());
}

Result write_sysctl(Stage& stage, int proc, const char* path, const std::string& value) noexcept {
    const Scoped file(stage.kernel,
                      stage.kernel.open_beneath(proc, path, O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
    if (file.failed()) return file.error();
    const Result written = stage.kernel.write(file.get(), value.data(), value.size());
    return written < 0 ? written : 0;
}

}  // namespace

Result open_place(Stage& stage, const Place& place, bool refuse_symlinks, bool directory) noexcept {
    return open_or_make(stage, place, resolution(refuse_symlinks), directory);
}

Result clone_source(Kernel& kernel, const PlannedMount& mount) noexcept {
    const Scoped source(kernel, kernel.open_path(mount.source.c_str(), O_PATH | (mount.device ? O_NOFOLLOW : 0)));
    if (source.failed()) return source.error();
    if (mount.device) {
        struct statx status {};
        const Result result = kernel.status(source.get(), status);
        if (result < 0) return result;
        const mode_t type = mount.device->type == 'b' ? S_IFBLK : S_IFCHR;
        if ((status.stx_mode & S_IFMT) != type || status.stx_rdev_major != mount.device->major ||
            status.stx_rdev_minor != mount.device->minor) {
            return -ENODEV;
        }
    }
    const Result tree = kernel.clone_tree(source.get(), mount.options.recursive_bind);
    if (tree < 0) return tree;
    const bool slave = mount.options.propagation == kSlavePropagation;
    const Result alone = kernel.set_mount_attributes(static_cast<int>(tree), true, 0, 0,
                                                     slave ? kSlavePropagation : kPrivatePropagation);
    if (alone < 0) kernel.close(static_cast<int>(tree));
    return alone < 0 ? alone : tree;
}

Result detach_propagation(Stage& stage) noexcept {
    if (stage.plan.root_place == RootPlace::chroot) return 0;
    // From here on nothing that is mounted shows on the host; what the host unmounts goes away here too.
    return stage.kernel.set_mount_attributes("/", true, 0, 0, kSlavePropagation);
}

Result place_root(Stage& stage) noexcept {
    Kernel& kernel = stage.kernel;
    Result tree = stage.plan.root.tree.get();
    if (tree < 0) tree = clone_source(kernel, stage.plan.root);
    if (tree < 0) return tree;
    stage.root = static_cast<int>(tree);
    // Whoever has the map of a user namespace cannot make device nodes: those in a root would be somebody else's.
    const std::uint64_t attributes =
        (stage.plan.user_namespace ? MOUNT_ATTR_NODEV : 0U) | (stage.plan.root_readonly ? MOUNT_ATTR_RDONLY : 0U);
    if (attributes != 0) {
        const Result set = kernel.set_mount_attributes(stage.root, true, attributes, 0, 0);
        if (set < 0) return set;
    }
    if (stage.plan.root_readonly) {
        // What is mounted inside stays read-only; the top is writable again until its mount points are made. Where it
        // was read-only from the start, the kernel says EPERM, and it stays so.
        const Result opened = kernel.set_mount_attributes(stage.root, false, 0, MOUNT_ATTR_RDONLY, 0);
        if (opened < 0 && opened != -EPERM) return opened;
    }
    // On top of the old root: the one place that is sure to be there and to be reachable. Unless others live there.
    const bool alone = stage.plan.root_place == RootPlace::pivot;
    return kernel.move_mount(stage.root, alone ? "/" : stage.plan.root.source.c_str());
}

Result mount_file_systems(Stage& stage) noexcept {
    for (const PlannedMount& mount : stage.plan.mounts) {
        const Result result = mount_one(stage, mount);
        if (result < 0) return result;
        ++stage.item;
    }
    return 0;
}

namespace {

/// In the tmpfs that shows the hierarchies of version 1: "cpu" for "cpu,cpuacct".
Result make_planned_links(Stage& stage) noexcept {
    for (const PlannedLink& link : stage.plan.links) {
        const Scoped directory(stage.kernel, stage.kernel.open_beneath(stage.root, link.directory.path(),
                                                                       O_PATH | O_DIRECTORY, resolution(true)));
        if (directory.failed()) return directory.error();
        const Result made = stage.kernel.make_symlink(link.target.c_str(), directory.get(), link.name.c_str());
        if (made < 0 && made != -EEXIST) return made;
    }
    return 0;
}

}  // namespace

Result make_dev_links(Stage& stage) noexcept {
    struct Link {
        const char* name;
        const char* target;
    };
    constexpr Link links[] = {{"fd", "/proc/self/fd"},
                              {"stdin", "/proc/self/fd/0"},
                              {"stdout", "/proc/self/fd/1"},
                              {"stderr", "/proc/self/fd/2"},
                              {"ptmx", "pts/ptmx"}};
    const Scoped dev(stage.kernel,
                     stage.kernel.open_beneath(stage.root, "dev", O_PATH | O_DIRECTORY, resolution(true)));
    if (dev.failed()) return dev.error();
    for (const Link& link : links) {
        if (link.name[0] == 'p' && !stage.plan.has_devpts) continue;
        const Result made = stage.kernel.make_symlink(link.target, dev.get(), link.name);
        if (made < 0 && made != -EEXIST) return made;
    }
    return make_planned_links(stage);
}

Result write_sysctls(Stage& stage) noexcept {
    if (stage.plan.sysctls.empty()) return 0;
    // A proc of our own, seen by nobody else: what is written to cannot be anything but a sysctl (CVE-2025-52881).
    const Scoped proc(stage.kernel, make_file_system(stage, stage.plan.own_proc));
    if (proc.failed()) return proc.error();
    for (const auto& [path, value] : stage.plan.sysctls) {
        const Result written = write_sysctl(stage, proc.get(), path.c_str(), value);
        if (written < 0) return written;
        ++stage.item;
    }
    return 0;
}

Result cover_paths(Stage& stage) noexcept {
    for (const Place& place : stage.plan.readonly_paths) {
        const Result result = make_readonly(stage, place);
        if (result < 0) return result;
        ++stage.item;
    }
    for (const Place& place : stage.plan.masked_paths) {
        const Result result = mask(stage, place);
        if (result < 0) return result;
        ++stage.item;
    }
    return 0;
}

/// As runc and crun do: an image may name a working directory that it does not have. What is wrong with it shows when
/// it is entered.
void make_cwd(Stage& stage) noexcept {
    if (!stage.plan.missing_cwd) return;
    const Scoped made(stage.kernel, open_or_make(stage, *stage.plan.missing_cwd, resolution(false), true));
}

Result seal_root(Stage& stage) noexcept {
    make_cwd(stage);
    for (const Place& place : stage.plan.late_readonly) {
        const Scoped top(stage.kernel,
                         stage.kernel.open_beneath(stage.root, place.path(), O_PATH | O_DIRECTORY, resolution(true)));
        if (top.failed()) return top.error();
        const Result sealed = stage.kernel.set_mount_attributes(top.get(), false, MOUNT_ATTR_RDONLY, 0, 0);
        if (sealed < 0) return sealed;
    }
    if (!stage.plan.root_readonly) return 0;
    return stage.kernel.set_mount_attributes(stage.root, false, MOUNT_ATTR_RDONLY, 0, 0);
}

namespace {

/// linux.rootfsPropagation, now that nothing more is mounted by us. Private and slave it was made already.
Result spread_root(Stage& stage) noexcept {
    const MountOptions& options = stage.plan.root.options;
    const bool now = options.propagation == kSharedPropagation || options.propagation == kUnbindable;
    if (!now) return 0;
    return stage.kernel.set_mount_attributes(stage.root, options.recursive_propagation, 0, 0, options.propagation);
}

}  // namespace

Result enter_root(Stage& stage) noexcept {
    const Result inside = stage.kernel.change_directory(stage.root);
    if (inside < 0) return inside;
    if (stage.plan.root_place == RootPlace::chroot) return stage.kernel.change_root_here();
    const Result pivoted = stage.kernel.pivot_root_here();
    if (pivoted < 0) return pivoted;
    const Result detached = stage.kernel.detach_mount(".");
    if (detached < 0) return detached;
    const Result spread = spread_root(stage);
    return spread < 0 ? spread : stage.kernel.change_directory("/");
}

Result enter_cwd(Stage& stage) noexcept {
    // No magic links: "/proc/self/fd/7" would be a directory that smith has open, on the host (CVE-2024-21626).
    const Scoped cwd(stage.kernel, stage.kernel.open_beneath(stage.root, stage.plan.cwd.c_str(), O_PATH | O_DIRECTORY,
                                                             resolution(false)));
    if (cwd.failed()) return cwd.error();
    const Result entered = stage.kernel.change_directory(cwd.get());
    if (entered < 0) return entered;
    // And the proof: a directory outside of the root has no absolute path here; the kernel says "(unreachable)".
    char path[4096];
    const Result length = stage.kernel.current_directory(path, sizeof path);
    if (length < 0) return length;
    return path[0] == '/' ? 0 : -EXDEV;
}

}  // namespace smith::runtime
