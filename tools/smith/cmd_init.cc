// SPDX-License-Identifier: Apache-2.0
//
// `smith init`: a spec to start from.
#include "builder/first_spec.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/output.h"

namespace smith::cli {

int run_command(const InitCommand& command, Context& context) {
    builder::Environment environment = command.environment;
    environment.cache_dir = context.cache_dir();
    const InterruptGuard guard(context.reporter);
    const std::string spec = builder::first_spec(command.source, command.project, environment, context.reporter);
    context.reporter.clear();
    write_stdout(spec);
    return kDone;
}

}  // namespace smith::cli
