// SPDX-License-Identifier: Apache-2.0
//
// `smith lock`: choose the packages and write them down, build nothing.
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/lock_report.h"

namespace smith::cli {

int run_command(const LockCommand& command, Context& context) {
    using builder::LockMode;
    builder::Environment environment = command.environment;
    environment.cache_dir = context.cache_dir();
    const InterruptGuard guard(context.reporter);
    const builder::Project project = builder::open_project(command.project, context.reporter);
    const std::optional<resolver::Lock> before = builder::read_lock(project);
    const LockMode mode = command.locked ? LockMode::strict : LockMode::obey;
    report_lock(project, before, builder::decide_packages(project, mode, {}, environment, context.reporter), context);
    return kDone;
}

}  // namespace smith::cli
