// SPDX-License-Identifier: Apache-2.0
//
// `smith run`: an image in the foreground, in the bundled runtime or another one.
#include "builder/smoke_test.h"
#include "tools/smith/commands.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"

namespace smith::cli {

int run_command(const RunCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const ocilayout::LoadedImage image = open_image(command.source, context, false);
    // From here on the terminal is the program's.
    context.reporter.clear();
    const builder::RunnableImage runnable{image.tree, *image.contents, image.head.config};
    return builder::run_image(runnable, command.settings, context.cache_dir(), command.runtime);
}

}  // namespace smith::cli
