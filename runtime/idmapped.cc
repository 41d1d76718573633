// SPDX-License-Identifier: Apache-2.0
#include "runtime/idmapped.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

#include "base/error.h"
#include "runtime/proc_file.h"

namespace smith::runtime {

namespace {

std::string map_text(const std::vector<IdMap>& maps) {
    std::string out;
    for (const IdMap& map : maps) {
        out += std::to_string(map.container) + " " + std::to_string(map.host) + " " + std::to_string(map.count) + "\n";
    }
    return out;
}

/// A process that lives only as long as its namespace is being prepared.
class Placeholder {
public:
    explicit Placeholder(Kernel& kernel) : kernel_(kernel) {
        int pidfd = -1;
        const Result pid = kernel.clone(CLONE_NEWUSER, 0, pidfd);
        if (pid == 0) {
            // Stopped by being killed; a poll on nothing does not end by itself.
            for (;;) kernel.poll(nullptr, 0, -1);
        }
        if (pid < 0) throw system_error(static_cast<int>(-pid), "making a user namespace for an idmapped mount");
        pid_ = static_cast<pid_t>(pid);
        pidfd_ = UniqueFd(pidfd);
    }
    Placeholder(const Placeholder&) = delete;
    Placeholder& operator=(const Placeholder&) = delete;
    ~Placeholder() {
        siginfo_t info{};
        static_cast<void>(kernel_.send_signal(pidfd_.get(), SIGKILL));
        static_cast<void>(kernel_.wait_for_exit(pidfd_.get(), info, WEXITED | __WALL));
    }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

private:
    Kernel& kernel_;
    pid_t pid_ = -1;
    UniqueFd pidfd_;
};

}  // namespace

UniqueFd make_user_namespace(Kernel& kernel, const std::vector<IdMap>& uids, const std::vector<IdMap>& gids) {
    const Placeholder placeholder(kernel);
    write_proc_file(placeholder.pid(), "uid_map", map_text(uids));
    write_proc_file(placeholder.pid(), "gid_map", map_text(gids));
    const std::string path = "/proc/" + std::to_string(placeholder.pid()) + "/ns/user";
    const Result fd = kernel.open_path(path.c_str(), O_RDONLY);
    if (fd < 0) throw system_error(static_cast<int>(-fd), "opening a user namespace");
    return UniqueFd(static_cast<int>(fd));
}

void map_ids(Kernel& kernel, int tree, bool recursive, int user_namespace) {
    const Result mapped = kernel.map_mount_ids(tree, recursive, user_namespace);
    if (mapped == -EINVAL) {
        throw Error(ErrorKind::system, "its file system, or this kernel, has no idmapped mounts", EINVAL);
    }
    if (mapped < 0) throw system_error(static_cast<int>(-mapped), "mapping the ids of the mount");
}

}  // namespace smith::runtime
