// SPDX-License-Identifier: Apache-2.0
#include "runtime/console.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "runtime/descriptor_passing.h"

namespace smith::runtime {

namespace {

/// The master of a new terminal of the container's own devpts, or -errno.
Result open_master(Stage& stage) noexcept {
    Kernel& kernel = stage.kernel;
    const Result master = open_on(stage, "dev/pts/ptmx", O_RDWR | O_NOCTTY, DEVPTS_SUPER_MAGIC);
    if (master < 0) return master == -EXDEV ? -ENOTTY : master;
    const int fd = static_cast<int>(master);
    int unlocked = 0;
    const Result result = kernel.io_control(fd, TIOCSPTLCK, &unlocked);
    if (result < 0) kernel.close(fd);
    return result < 0 ? result : master;
}

Result set_size(Stage& stage, int slave) noexcept {
    const ConsoleSize& size = stage.plan.process.console_size;
    if (size.rows == 0 && size.columns == 0) return 0;
    winsize window{size.rows, size.columns, 0, 0};
    return stage.kernel.io_control(slave, TIOCSWINSZ, &window);
}

/// The slave, shown as /dev/console.
Result show_as_console(Stage& stage, int slave) noexcept {
    Kernel& kernel = stage.kernel;
    const Result tree = kernel.clone_tree(slave, false);
    if (tree < 0) return tree;
    Result result = open_place(stage, stage.plan.console_place, true, false);
    if (result >= 0) {
        const int place = static_cast<int>(result);
        result = kernel.move_mount(static_cast<int>(tree), place);
        kernel.close(place);
    }
    kernel.close(static_cast<int>(tree));
    return result;
}

Result send_master(Stage& stage, int master) noexcept {
    // The name is of no use to anybody; receivers want some bytes, and runc sends this one.
    constexpr char name[] = "/dev/ptmx";
    const Result sent = send_descriptor(stage.kernel, stage.plan.console_socket.get(), name, sizeof name - 1, master);
    return sent < 0 ? sent : 0;
}

Result adopt_slave(Stage& stage, int slave) noexcept {
    Kernel& kernel = stage.kernel;
    const Plan& plan = stage.plan;
    Result result = set_size(stage, slave);
    // Its group stays the one that devpts was told, "tty" as a rule.
    if (result >= 0 && plan.process.uid != plan.setup_uid) {
        result = kernel.change_owner(slave, plan.process.uid, static_cast<gid_t>(-1));
    }
    if (result >= 0) result = kernel.io_control(slave, TIOCSCTTY, nullptr);
    if (result >= 0 && plan.shows_console) result = show_as_console(stage, slave);
    return result;
}

}  // namespace

Result open_console(Stage& stage) noexcept {
    if (!stage.plan.console_socket) return 0;
    const Result master = open_master(stage);
    if (master < 0) return master;
    const int fd = static_cast<int>(master);
    // ioctl's third argument is the flags themselves here.
    Result result = stage.kernel.io_control(fd, TIOCGPTPEER, reinterpret_cast<void*>(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (result >= 0) {
        stage.console = static_cast<int>(result);
        result = adopt_slave(stage, stage.console);
    }
    if (result >= 0) result = send_master(stage, fd);
    stage.kernel.close(fd);
    return result;
}

UniqueFd connect_console_socket(const std::filesystem::path& path) {
    return connect_unix(path, "connecting to the console socket " + quote(path.string()));
}

ConsolePair make_console_pair() {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) throw system_error(errno, "making a socket pair");
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

UniqueFd receive_terminal(int socket) {
    char name[64];
    Received received = receive_descriptor(socket, name, sizeof name, 0, "taking the container's terminal");
    if (!received.fd) throw Error(ErrorKind::system, "the container's terminal did not arrive");
    return std::move(received.fd);
}

}  // namespace smith::runtime
