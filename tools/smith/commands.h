// SPDX-License-Identifier: Apache-2.0
//
// Every command that does something. Each is a function from its options to an exit status, in a file of its own
// (cmd_*.cc); the result goes to standard output when everything else is done.
#pragma once

#include "tools/smith/context.h"
#include "tools/smith/options.h"

namespace smith::cli {

// They throw Error of every kind, and what output.h throws.
int run_command(const BuildCommand& command, Context& context);
int run_command(const LockCommand& command, Context& context);
int run_command(const UpdateCommand& command, Context& context);
int run_command(const OutdatedCommand& command, Context& context);
int run_command(const FetchCommand& command, Context& context);
int run_command(const RunCommand& command, Context& context);
int run_command(const BundleCommand& command, Context& context);
int run_command(const TestCommand& command, Context& context);
int run_command(const InspectCommand& command, Context& context);
int run_command(const LsCommand& command, Context& context);
int run_command(const WhyCommand& command, Context& context);
int run_command(const WhyPackageCommand& command, Context& context);
int run_command(const CatCommand& command, Context& context);
int run_command(const DiffCommand& command, Context& context);
int run_command(const CopyCommand& command, Context& context);
int run_command(const IndexCommand& command, Context& context);
int run_command(const TagsCommand& command, Context& context);
int run_command(const DeleteCommand& command, Context& context);
int run_command(const SignCommand& command, Context& context);
int run_command(const VerifyCommand& command, Context& context);
int run_command(const RepoCommand& command, Context& context);
int run_command(const ConvertCommand& command, Context& context);
int run_command(const InitCommand& command, Context& context);
int run_command(const ImportCommand& command, Context& context);
int run_command(const LoginCommand& command, Context& context);
int run_command(const LogoutCommand& command, Context& context);
int run_command(const HelpCommand& command, Context& context);
int run_command(const VersionCommand& command, Context& context);

}  // namespace smith::cli
