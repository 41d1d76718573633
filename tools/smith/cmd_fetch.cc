// SPDX-License-Identifier: Apache-2.0
//
// `smith fetch`: have everything at hand that a locked build needs.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "builder/vendor.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/json_text.h"
#include "tools/smith/text.h"

namespace smith::cli {

int run_command(const FetchCommand& command, Context& context) {
    using builder::LockMode;
    builder::Environment environment = command.environment;
    environment.cache_dir = context.cache_dir();
    const InterruptGuard guard(context.reporter);
    const builder::Project project = builder::open_project(command.project, context.reporter);
    const LockMode mode = command.locked ? LockMode::strict : LockMode::obey;
    const resolver::Lock lock = builder::decide_packages(project, mode, {}, environment, context.reporter);
    const std::size_t count = builder::fetch_project(project, lock, command.to, environment, context.reporter);

    context.reporter.clear();
    const std::string to = command.to.string();
    context.reporter.info("fetched " + format_count(count, "package", "packages") +
                          (to.empty() ? std::string() : " to " + quote(to)));
    if (context.common.json) {
        nlohmann::json document = {{"lock", json_text(project.lock_file.string())}, {"packages", count}};
        if (!to.empty()) document["to"] = json_text(to);
        write_json(document);
    }
    return kDone;
}

}  // namespace smith::cli
