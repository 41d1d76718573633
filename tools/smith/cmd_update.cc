// SPDX-License-Identifier: Apache-2.0
//
// `smith update`: choose anew, all packages or the named ones, and tell what changed.
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/lock_report.h"

namespace smith::cli {

int run_command(const UpdateCommand& command, Context& context) {
    builder::Environment environment = command.environment;
    environment.cache_dir = context.cache_dir();
    const InterruptGuard guard(context.reporter);
    const builder::Project project = builder::open_project(command.project, context.reporter);
    const std::optional<resolver::Lock> before = builder::read_lock(project);
    const resolver::Lock after =
        builder::decide_packages(project, builder::LockMode::update, command.packages, environment, context.reporter);
    report_lock(project, before, after, context);
    return kDone;
}

}  // namespace smith::cli
