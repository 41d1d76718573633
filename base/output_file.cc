// SPDX-License-Identifier: Apache-2.0
#include "base/output_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "base/bounds.h"
#include "base/error.h"

namespace smith {

std::filesystem::path output_file(const std::filesystem::path& path) {
    std::filesystem::path at = path;
    for (int followed = 0; followed <= limits::kMaxSymlinksFollowed; ++followed) {
        struct stat st {};
        // What else is wrong with it, opening it will say.
        if (::lstat(at.c_str(), &st) != 0 || S_ISREG(st.st_mode)) return at;
        if (!S_ISLNK(st.st_mode)) {
            throw Error(ErrorKind::system,
                        quote(path.string()) + (S_ISDIR(st.st_mode) ? " is a directory; name a file in it"
                                                                    : " is not a regular file, and not replaced"));
        }
        std::error_code failed;
        const std::filesystem::path target = std::filesystem::read_symlink(at, failed);
        if (failed) throw system_error(failed.value(), "following the link " + quote(at.string()));
        at = at.parent_path() / target;
    }
    throw system_error(ELOOP, "following the link " + quote(path.string()));
}

}  // namespace smith
