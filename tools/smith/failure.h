// SPDX-License-Identifier: Apache-2.0
//
// How smith says that it failed: an exit status for scripts, a message for people, a document for programs.
#pragma once

#include <exception>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/error.h"

namespace smith::cli {

// Part of the contract (docs/cli.md): scripts decide by these.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnsolvable = 3;
inline constexpr int kDownloadFailed = 4;
inline constexpr int kIntegrity = 5;
inline constexpr int kTestFailed = 6;

[[nodiscard]] int exit_status(ErrorKind kind);

struct Failure {
    int status = kFailed;
    std::string kind;  ///< "usage", "spec", "resolve", "fetch", "integrity", "format", "system", "test"
    std::string message;
};

/// What `error` is to people. For an exception that is not ours too: memory, and bugs.
[[nodiscard]] Failure describe(const std::exception& error);

/// {"error": {"kind": ..., "message": ...}}
[[nodiscard]] nlohmann::json to_json(const Failure& failure);

}  // namespace smith::cli
