// SPDX-License-Identifier: Apache-2.0
//
// Files of one process below /proc that change it when they are written to.
#pragma once

#include <sys/types.h>

#include <string_view>

namespace smith::runtime {

/// Writes `text` to /proc/PID/NAME, after a look that it is on a proc file system: whoever could put something else
/// there would decide what we write to (CVE-2019-19921, CVE-2025-52881). `pid` must be a child that was not waited for,
/// so that it means nobody else. Throws Error (system).
void write_proc_file(pid_t pid, const char* name, std::string_view text);

}  // namespace smith::runtime
