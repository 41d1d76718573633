// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that go from one process to another through a Unix socket (unix(7), SCM_RIGHTS).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/fd.h"
#include "runtime/kernel.h"

namespace smith::runtime {

/// Sends `size` bytes, at least one, and `fd` with them; -1: bytes alone. May be used between clone and execve.
Result send_descriptor(Kernel& kernel, int socket, const void* data, std::size_t size, int fd) noexcept;

struct Received {
    std::size_t size = 0;  ///< 0: the other side has closed, or with MSG_DONTWAIT there was nothing
    UniqueFd fd;           ///< empty when none came
};
/// One message of at most `size` bytes. `flags` are recvmsg's. Throws Error (system), saying what it was `doing`.
[[nodiscard]] Received receive_descriptor(int socket, void* data, std::size_t size, int flags,
                                          const std::string& doing);

/// A stream socket that is connected to `path`. Throws Error (system), saying what it was `doing`.
[[nodiscard]] UniqueFd connect_unix(const std::filesystem::path& path, const std::string& doing);

}  // namespace smith::runtime
