// SPDX-License-Identifier: Apache-2.0
#include "tools/railcar/sealed_self.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/kernel.h"

namespace smith::railcar {

namespace {

constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

UniqueFd copy_of(int program) {
    const runtime::Result made = runtime::linux_kernel().create_memory_file("railcar");
    if (made < 0) throw system_error(static_cast<int>(-made), "making a sealed copy of railcar");
    UniqueFd copy(static_cast<int>(made));
    constexpr std::size_t much = 1 << 30;
    ssize_t moved = 0;
    while ((moved = sendfile(copy.get(), program, nullptr, much)) > 0) {
    }
    if (moved < 0 || fcntl(copy.get(), F_ADD_SEALS, kSeals) != 0) {
        throw system_error(errno, "making a sealed copy of railcar");
    }
    return copy;
}

Words own_arguments() {
    constexpr std::uint64_t enough = 16 << 20;
    const UniqueFd file = open_file("/proc/self/cmdline", O_RDONLY);
    const std::string text = read_to_end(file.get(), enough);
    Words out;
    for (std::size_t at = 0; at < text.size(); at = text.find('\0', at) + 1) out.emplace_back(text.c_str() + at);
    return out;
}

}  // namespace

bool may_trace_us(const runtime::RuntimeConfig& config) noexcept {
    const bool same_user_namespace = !config.has_namespace(CLONE_NEWUSER);
    return same_user_namespace && ((config.process.capabilities.bounding >> CAP_SYS_PTRACE) & 1U) != 0;
}

bool joins_who_may_trace_us(const runtime::RuntimeConfig& config) noexcept {
    const auto& joined = config.joined_namespaces;
    const bool shares_processes = std::any_of(
        joined.begin(), joined.end(), [](const runtime::JoinedNamespace& one) { return one.flag == CLONE_NEWPID; });
    return shares_processes && !config.has_namespace(CLONE_NEWUSER);
}

void run_from_sealed_copy() {
    const UniqueFd self = open_file("/proc/self/exe", O_RDONLY);
    if (fcntl(self.get(), F_GET_SEALS) == kSeals) return;
    const UniqueFd copy = copy_of(self.get());
    Words arguments = own_arguments();
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    fexecve(copy.get(), pointers.data(), environ);
    throw system_error(errno, "running a sealed copy of railcar");
}

}  // namespace smith::railcar
