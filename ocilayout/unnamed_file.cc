// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/unnamed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "ocilayout/bounds.h"

namespace smith::ocilayout {

UniqueFd unnamed_file() {
    const std::filesystem::path directory = std::filesystem::temp_directory_path();
    UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd) return fd;
    // Some file systems know no O_TMPFILE.
    std::string name = (directory / "smith-XXXXXX").string();
    fd = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd) throw system_error(errno, "making a temporary file in " + quote(directory.string()));
    static_cast<void>(::unlink(name.c_str()));
    return fd;
}

std::pair<SharedFd, std::uint64_t> spool(ByteSource& source) {
    UniqueFd fd = unnamed_file();
    std::uint64_t size = 0;
    copy_to(source, [&](std::span<const std::byte> bytes) {
        size += bytes.size();
        if (size > limits::kMaxArchiveBytes) {
            throw Error(ErrorKind::format, "it is larger than " + std::to_string(limits::kMaxArchiveBytes) + " bytes");
        }
        write_all(fd.get(), bytes);
    });
    return {std::make_shared<const UniqueFd>(std::move(fd)), size};
}

}  // namespace smith::ocilayout
