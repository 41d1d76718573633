// SPDX-License-Identifier: Apache-2.0
//
// `smith convert`: a microcontainer of an image, without a spec.
#include <nlohmann/json.hpp>

#include "builder/convert.h"
#include "tools/smith/build_report.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"

namespace smith::cli {

int run_command(const ConvertCommand& command, Context& context) {
    builder::ConvertOptions options = command.options;
    options.environment.cache_dir = context.cache_dir();
    options.environment.registry.reporter = &context.reporter;
    options.environment.registry.cache_dir = options.environment.cache_dir;
    options.created = source_date_epoch();
    const InterruptGuard guard(context.reporter);
    const builder::BuildResult result = builder::convert(options, context.reporter);
    context.reporter.clear();
    context.reporter.info(build_summary(result));
    if (context.common.json)
        write_json(build_json(result));
    else
        write_stdout(result.written.str() + "\n");
    return kDone;
}

}  // namespace smith::cli
