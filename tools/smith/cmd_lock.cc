// SPDX-License-Identifier: Apache-2.0
//
// `smith lock`: choose the packages and write them down, build nothing.
#include "base/bounds.h"
#include "base/fd.h"
#include "builder/foreign_lock.h"
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
    std::vector<resolver::Pin> only;
    if (!command.from.empty()) {
        only = builder::read_foreign_lock(read_file(command.from, limits::kMaxForeignLockBytes), command.from.string(),
                                          project.arch);
    }
    const LockMode mode = command.locked ? LockMode::strict : only.empty() ? LockMode::obey : LockMode::update;
    report_lock(project, before, builder::decide_packages(project, mode, {}, environment, context.reporter, only),
                context);
    return kDone;
}

}  // namespace smith::cli
