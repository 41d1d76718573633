// SPDX-License-Identifier: Apache-2.0
#include "runtime/proc_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace smith::runtime {

void write_proc_file(pid_t pid, const char* name, std::string_view text) {
    const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
    const UniqueFd file = open_file(path, O_WRONLY);
    struct statfs status {};
    if (fstatfs(file.get(), &status) != 0 || status.f_type != PROC_SUPER_MAGIC) {
        throw Error(ErrorKind::system, quote(path) + " is not on a proc file system");
    }
    while_doing([&] { return std::string("writing ") + name; }, [&] { write_all(file.get(), as_bytes(text)); });
}

}  // namespace smith::runtime
