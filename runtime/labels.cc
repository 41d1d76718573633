// SPDX-License-Identifier: Apache-2.0
#include "runtime/labels.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/scoped_fd.h"

namespace smith::runtime {

namespace {

bool apparmor_is_on() {
    constexpr std::uint64_t enough = 16;
    try {
        return read_file("/sys/module/apparmor/parameters/enabled", enough).starts_with('Y');
    } catch (const Error&) {
        return false;
    }
}

bool selinux_is_on() { return access("/sys/fs/selinux/enforce", F_OK) == 0; }

/// Two modules may be there at once; then each has a directory of its own. SELinux has none.
std::string apparmor_file() {
    const bool own = access("/proc/self/attr/apparmor/exec", F_OK) == 0;
    return own ? "self/attr/apparmor/exec" : "self/attr/exec";
}

[[noreturn]] void not_here(const char* field, const std::string& value, const char* module) {
    throw Error(ErrorKind::spec, quote(field) + " is " + quote(value) + ", but there is no " + module +
                                     " on this machine that could enforce it");
}

Result mount_own_proc(Kernel& kernel) noexcept {
    const Scoped context(kernel, kernel.open_file_system("proc"));
    if (context.failed()) return context.error();
    // Whoever in the container could get hold of it finds processes, and nothing that could be written to the kernel.
    Result result = kernel.configure_file_system(context.get(), FSCONFIG_SET_STRING, "subset", "pid");
    if (result >= 0) result = kernel.configure_file_system(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr);
    if (result < 0) return result;
    return kernel.mount_file_system(context.get(), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/// A proc, and the very root of one, or -errno.
Result open_containers_proc(Stage& stage) noexcept {
    constexpr std::uint64_t root_inode = 1;  // PROC_ROOT_INO
    Kernel& kernel = stage.kernel;
    const Result opened = open_on(stage, "proc", O_PATH | O_DIRECTORY, PROC_SUPER_MAGIC);
    if (opened < 0) return opened;
    const int fd = static_cast<int>(opened);
    struct statx status {};
    Result result = kernel.status(fd, status);
    if (result >= 0 && status.stx_ino != root_inode) result = -EXDEV;
    if (result < 0) kernel.close(fd);
    return result < 0 ? result : opened;
}

}  // namespace

void check_labels(const ProcessConfig& process) {
    const std::string& profile = process.apparmor_profile;
    // "unconfined" is what everybody is without AppArmor.
    if (!profile.empty() && profile != "unconfined" && !apparmor_is_on()) {
        not_here("process.apparmorProfile", profile, "AppArmor");
    }
    if (!process.selinux_label.empty() && !selinux_is_on()) {
        not_here("process.selinuxLabel", process.selinux_label, "SELinux");
    }
}

std::vector<std::byte> label_orders(const ProcessConfig& process, LauncherOrders& orders) {
    std::string text;
    // Each as a file and what is written to it, with a NUL behind both.
    const auto add = [&](const std::string& file, const std::string& value) {
        text.append(file).push_back('\0');
        text.append(value).push_back('\0');
    };
    const bool profile =
        !process.apparmor_profile.empty() && (process.apparmor_profile != "unconfined" || apparmor_is_on());
    if (profile) add(apparmor_file(), "exec " + process.apparmor_profile);
    if (!process.selinux_label.empty()) add("self/attr/exec", process.selinux_label);
    if (text.size() >= kMaxLabelBytes) throw Error(ErrorKind::spec, "the process's labels are longer than a page");
    orders.label_bytes = static_cast<std::uint32_t>(text.size());
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

Result open_own_proc(Stage& stage) noexcept {
    if (!stage.plan.sets_labels) return 0;
    Result proc = mount_own_proc(stage.kernel);
    // In a user namespace, that is not allowed to who sees a proc that is partly hidden: a container's.
    if (proc == -EPERM) proc = open_containers_proc(stage);
    if (proc >= 0) stage.proc = static_cast<int>(proc);
    return proc < 0 ? proc : 0;
}

}  // namespace smith::runtime
