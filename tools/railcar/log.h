// SPDX-License-Identifier: Apache-2.0
//
// --log and --log-format: where callers such as conmon, podman and containerd's shim read why a command failed.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace smith::railcar {

struct Log {
    std::filesystem::path file;  ///< empty: standard error
    bool json = false;           ///< else text, as logrus writes it
    bool debug = false;

    /// What went wrong: to the file, where there is one, and to standard error in any case. Never throws: there is
    /// nobody left to tell.
    void error(std::string_view message) const noexcept;
    /// What was tolerated.
    void warning(std::string_view message) const noexcept;
};

/// The log of this program, once its options are read.
[[nodiscard]] Log& program_log() noexcept;

/// One line of the log, with its newline.
[[nodiscard]] std::string log_line(bool json, std::string_view level, std::string_view message, std::string_view time);

}  // namespace smith::railcar
