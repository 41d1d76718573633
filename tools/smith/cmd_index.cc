// SPDX-License-Identifier: Apache-2.0
//
// `smith index create`: one image index of the images of several architectures.
#include <memory>
#include <vector>

#include "base/error.h"
#include "ocilayout/copy_image.h"
#include "tools/smith/commands.h"
#include "tools/smith/copy_report.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"

namespace smith::cli {

int run_command(const IndexCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const ocilayout::CopyOptions options = copy_options(command.options, context);
    ocilayout::CopyResult result;
    while_doing([&] { return "making the image index " + quote(command.destination); },
                [&] {
                    std::vector<std::unique_ptr<ocilayout::ImageSource>> opened;
                    std::vector<ocilayout::ImageSource*> sources;
                    for (const std::string& name : command.sources) {
                        opened.push_back(open_source(name, context));
                        sources.push_back(opened.back().get());
                    }
                    const auto destination = open_destination(command.destination, context);
                    result = ocilayout::create_index(sources, *destination, options, context.reporter);
                });
    report_copy(result, command.destination, context);
    return kDone;
}

}  // namespace smith::cli
