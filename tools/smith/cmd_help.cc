// SPDX-License-Identifier: Apache-2.0
//
// `--help` and `--version`. What was asked for goes to standard output: it is the result.
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/output.h"

namespace smith::cli {

int run_command(const HelpCommand& command, Context& context) {
    static_cast<void>(context);
    write_stdout(command.text);
    return kDone;
}

int run_command(const VersionCommand& command, Context& context) {
    static_cast<void>(command);
    static_cast<void>(context);
    write_stdout("smith " SMITH_VERSION "\n");
    return kDone;
}

}  // namespace smith::cli
