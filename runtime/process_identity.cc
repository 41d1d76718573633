// SPDX-License-Identifier: Apache-2.0
#include "runtime/process_identity.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>

#include "base/error.h"

namespace smith::runtime {

std::uint64_t parse_start_time(std::string_view stat) noexcept {
    // Behind the last ')' comes field 3.
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string_view::npos) return 0;
    std::string_view rest = stat.substr(name_end + 1);
    constexpr int fields_before = 22 - 3;
    for (int field = 0; field <= fields_before; ++field) {
        const std::size_t start = rest.find_first_not_of(' ');
        if (start == std::string_view::npos) return 0;
        rest.remove_prefix(start);
        if (field == fields_before) break;
        rest.remove_prefix(std::min(rest.find(' '), rest.size()));
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return error == std::errc() ? value : 0;
}

void throw_unseen(pid_t pid) {
    throw Error(ErrorKind::system, "process " + std::to_string(pid) + " is there, but not in /proc; is that mounted?");
}

ProcessIdentity identify(pid_t pid) {
    constexpr std::uint64_t enough = 4096;
    try {
        return {pid, parse_start_time(read_file("/proc/" + std::to_string(pid) + "/stat", enough))};
    } catch (const Error& e) {
        // Gone, or nobody whom we may see. What we fail at ourselves, for want of descriptors, says nothing about it.
        const int number = e.error_number();
        if (number != ENOENT && number != ESRCH && number != EACCES && number != EPERM) throw;
        return {pid, 0};
    }
}

bool has_ended(Kernel& kernel, int pidfd) {
    pollfd end{pidfd, POLLIN, 0};
    return kernel.poll(&end, 1, 0) > 0;
}

UniqueFd open_process(Kernel& kernel, const ProcessIdentity& process) {
    if (process.pid <= 0) return UniqueFd();
    const Result opened = kernel.open_pidfd(process.pid);
    // EINVAL: it is a thread's number by now, no process's.
    if (opened == -ESRCH || opened == -EINVAL) return UniqueFd();
    if (opened < 0) throw system_error(static_cast<int>(-opened), "opening process " + std::to_string(process.pid));
    UniqueFd pidfd(static_cast<int>(opened));
    // First the descriptor, then the look: what is seen now is what the descriptor means, or that has ended.
    const ProcessIdentity seen = identify(process.pid);
    if (has_ended(kernel, pidfd.get())) return UniqueFd();
    if (seen.start_time == 0) throw_unseen(process.pid);
    return seen == process ? std::move(pidfd) : UniqueFd();
}

}  // namespace smith::runtime
