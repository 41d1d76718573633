// SPDX-License-Identifier: Apache-2.0
//
// The commands, one a file: `command_NAME` in cmd_NAME.cc takes the words behind its name and returns the exit status.
// What fails is thrown as an Error.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "runtime/bundle.h"
#include "runtime/kernel.h"
#include "runtime/state.h"
#include "runtime/state_directory.h"
#include "tools/railcar/options.h"

namespace smith::railcar {

/// The options in front of the command.
struct Global {
    std::filesystem::path root;  ///< of the states
    bool systemd_cgroup = false;
    bool rootless = false;
    bool debug = false;
};

int command_create(const Global& global, const Words& words);
int command_delete(const Global& global, const Words& words);
int command_events(const Global& global, const Words& words);
int command_exec(const Global& global, const Words& words);
int command_features(const Global& global, const Words& words);
int command_kill(const Global& global, const Words& words);
int command_list(const Global& global, const Words& words);
int command_pause(const Global& global, const Words& words);
int command_ps(const Global& global, const Words& words);
int command_resume(const Global& global, const Words& words);
int command_run(const Global& global, const Words& words);
int command_spec(const Global& global, const Words& words);
int command_start(const Global& global, const Words& words);
int command_state(const Global& global, const Words& words);
int command_update(const Global& global, const Words& words);

/// To the log and to standard error.
void report_failure(const Error& error) noexcept;

/// The one operand that most commands take. Throws Error (usage).
[[nodiscard]] std::string only_id(const Words& operands, const char* command);

}  // namespace smith::railcar
