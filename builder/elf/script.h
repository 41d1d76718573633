// SPDX-License-Identifier: Apache-2.0
//
// The first line of a script, as the kernel reads it (fs/binfmt_script.c), and what env(1) makes of it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smith::elf {

/// What execvp(3) and container runtimes take when PATH is not set.
inline constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A script may be the interpreter of a script; the kernel follows five (exec_binprm), then says ELOOP.
inline constexpr int kMaxScriptDepth = 5;

struct ScriptHead {
    std::string interpreter;
    std::string argument;  ///< all that follows, as the one argument that the kernel makes of it; may be empty
    bool operator==(const ScriptHead&) const = default;
};

/// Nothing when `bytes` is no script, or names no interpreter.
[[nodiscard]] std::optional<ScriptHead> read_script_head(std::span<const std::byte> bytes);

/// The command that `env <argument>` runs, when the interpreter is called env: "python3" for "python3", for
/// "-S python3 -u" and for "-S FOO=bar python3". Nothing when there is none.
[[nodiscard]] std::optional<std::string> command_of_env(const ScriptHead& head);

}  // namespace smith::elf
