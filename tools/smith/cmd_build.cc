// SPDX-License-Identifier: Apache-2.0
//
// `smith build`, and `smith` without a command.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "builder/build.h"
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

json to_json(const BuildResult& result) {
    json out = {
        {"digest", result.manifest.str()},
        {"diff_id", result.diff_id.str()},
        {"layer", {{"digest", result.layer.str()}, {"size", result.layer_size}}},
        {"packages",
         {{"resolved", result.packages}, {"shipped", result.packages_shipped}, {"bytes_spared", result.bytes_spared}}},
        {"entries", result.entries},
        {"files_size", result.files_size},
        {"tests", outcomes_json(result.tests)}};
    // Without one, nothing was written.
    if (!result.output.empty()) out["output"] = json_text(result.output);
    return out;
}

std::string summary(const BuildResult& result) {
    std::string out = "wrote " + quote(result.output) + ": " + format_bytes(result.files_size) + " in files, " +
                      format_bytes(result.layer_size) + " packed";
    if (result.packages > 0)
        out += ", out of " + std::to_string(result.packages_shipped) + " of " +
               format_count(result.packages, "package", "packages");
    if (result.bytes_spared > 0) out += "; " + format_bytes(result.bytes_spared) + " of these need not be fetched";
    return out;
}

int tell_failed_test(const BuildResult& result, const Context& context) {
    const Failure failure{kTestFailed, "test", failure_message(result.tests)};
    context.reporter.error(failure.message);
    context.reporter.text(show_output_of_failed(result.tests));
    if (context.common.json) {
        json document = to_json(result);
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
    BuildResult result;
    try {
        const InterruptGuard guard(context.reporter);
        result = builder::build(options, context.reporter);
    } catch (const builder::TestsFailed& failed) {
        return tell_failed_test(failed.result(), context);
    }
    context.reporter.clear();
    context.reporter.info(summary(result));
    if (context.common.json)
        write_json(to_json(result));
    else
        write_stdout(result.manifest.str() + "\n");
    return kDone;
}

}  // namespace smith::cli
