// SPDX-License-Identifier: Apache-2.0
//
// Translated seccomp filters, kept: libseccomp takes some milliseconds for a filter of a few hundred system calls, more
// than all the rest of starting a container, and podman, docker and containerd give each container the same one.
//
// One file a filter. It begins with all that the filter was made from, which is compared byte by byte: the file's name
// is only where to look. The directory is the runtime's own (0700); what is in it may be deleted at any time.
#pragma once

#include <filesystem>

#include "runtime/seccomp.h"

namespace smith::runtime {

/// As compile_seccomp(), but looks into `directory` first, and leaves there what it had to translate. A cache that
/// cannot be read or written is as good as none. Empty: none. Throws what compile_seccomp() throws.
[[nodiscard]] SeccompProgram cached_seccomp(const SeccompConfig& config, const std::filesystem::path& directory);

/// All that the translation of `config` depends on, libseccomp's version and this machine among it.
[[nodiscard]] std::string seccomp_key(const SeccompConfig& config);

}  // namespace smith::runtime
