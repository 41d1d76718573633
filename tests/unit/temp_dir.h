// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/error.h"

namespace smith {

/// A new directory that is gone with its owner.
class TempDir {
public:
    TempDir() {
        std::string name = (std::filesystem::temp_directory_path() / "smith-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw system_error(errno, "making a temporary directory");
        path_ = name;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace smith
