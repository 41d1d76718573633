// SPDX-License-Identifier: Apache-2.0
//
// `smith build`, and `smith` without a command.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "builder/build.h"
#include "tools/smith/build_report.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"
#include "tools/smith/test_report.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using builder::BuildResult;
using nlohmann::json;

int tell_failed_test(const BuildResult& result, const Context& context) {
    const Failure failure{kTestFailed, "test", failure_message(result.tests)};
    context.reporter.error(failure.message);
    context.reporter.text(show_output_of_failed(result.tests));
    if (context.common.json) {
        json document = build_json(result);
        document.update(to_json(failure));
        write_json(document);
    }
    return failure.status;
}

/// Somebody who typed `smith` to see what happens should not be told about a missing file only.
void check_bare(const BuildCommand& command) {
    std::error_code ignored;
    const std::filesystem::path& spec = command.options.project.spec;
    if (command.bare && !std::filesystem::exists(spec, ignored))
        throw Error(ErrorKind::usage,
                    "there is no " + quote(spec.string()) + " to build here; 'smith --help' says what there is");
}

}  // namespace

int run_command(const BuildCommand& command, Context& context) {
    check_bare(command);
    builder::BuildOptions options = command.options;
    options.environment.cache_dir = context.cache_dir();
    options.created = source_date_epoch();
    options.transport = context.common.transport;
    options.transport.registry.reporter = &context.reporter;
    options.transport.registry.cache_dir = options.environment.cache_dir;
    options.environment.registry = options.transport.registry;
    BuildResult result;
    try {
        const InterruptGuard guard(context.reporter);
        result = builder::build(options, context.reporter);
    } catch (const builder::TestsFailed& failed) {
        return tell_failed_test(failed.result(), context);
    }
    context.reporter.clear();
    context.reporter.info(build_summary(result));
    if (context.common.json)
        write_json(build_json(result));
    else
        write_stdout(result.written.str() + "\n");
    return kDone;
}

}  // namespace smith::cli
