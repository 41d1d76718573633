// SPDX-License-Identifier: Apache-2.0
//
// `smith copy`, and its other names: push, pull, upload and download.
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "ocilayout/copy_image.h"
#include "tools/smith/commands.h"
#include "tools/smith/copy_report.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"
#include "tools/smith/text.h"

namespace smith::cli {

void report_copy(const ocilayout::CopyResult& result, const std::string& destination, Context& context) {
    context.reporter.clear();
    for (const std::string& warning : result.warnings) context.reporter.warn(warning);
    std::string said = "wrote " + quote(destination) + ": " + format_count(result.blobs, "blob", "blobs") + ", " +
                       format_bytes(result.bytes);
    if (result.blobs_there > 0) said += "; " + std::to_string(result.blobs_there) + " were there";
    if (result.referrers > 0) said += "; with " + format_count(result.referrers, "referrer", "referrers");
    context.reporter.info(said);
    if (!context.common.json) {
        write_stdout(result.copied.digest.str() + "\n");
        return;
    }
    write_json({{"digest", result.copied.digest.str()},
                {"media_type", json_text(result.copied.media_type)},
                {"output", json_text(destination)},
                {"blobs", {{"copied", result.blobs}, {"there", result.blobs_there}, {"bytes", result.bytes}}},
                {"referrers", result.referrers}});
}

int run_command(const CopyCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const ocilayout::CopyOptions options = copy_options(command.options, context);
    ocilayout::CopyResult result;
    while_doing([&] { return "copying " + quote(command.source) + " to " + quote(command.destination); },
                [&] {
                    const auto source = open_source(command.source, context);
                    const auto destination = open_destination(command.destination, context);
                    result = ocilayout::copy_image(*source, *destination, options, context.reporter);
                });
    report_copy(result, command.destination, context);
    return kDone;
}

}  // namespace smith::cli
