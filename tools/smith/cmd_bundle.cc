// SPDX-License-Identifier: Apache-2.0
//
// `smith bundle`: an image as a directory that an OCI runtime runs.
#include "builder/write_bundle.h"
#include "tools/smith/commands.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"

namespace smith::cli {

int run_command(const BundleCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const ocilayout::LoadedImage image = open_image(command.source, context, false);
    const builder::RunnableImage runnable{image.tree, *image.contents, image.head.config};
    builder::write_bundle(runnable, command.settings, command.directory, context.reporter);
    return 0;
}

}  // namespace smith::cli
