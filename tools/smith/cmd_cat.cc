// SPDX-License-Identifier: Apache-2.0
//
// `smith cat`: the bytes of files of an image.
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ocilayout/part_of_image.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/output.h"

namespace smith::cli {

int run_command(const CatCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    std::vector<ImagePath> paths;
    for (const std::string& path : command.paths) paths.push_back(ImagePath::parse(path));
    const ContentStore store(context.cache_dir());
    ocilayout::FoundPaths found;
    while_doing([&] { return "reading image " + quote(command.source); },
                [&] {
                    const auto source = open_source(command.source, context);
                    const ocilayout::ImageHead head = ocilayout::load_image_head(*source, read_options(context, false));
                    found = ocilayout::find_paths(*source, head, paths, store, context.reporter);
                });
    // All of them are looked for before the first is written.
    using Kind = ocilayout::FoundPath::Kind;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        const Kind kind = found.paths[i].kind;
        if (kind == Kind::file) continue;
        const char* is_what = kind == Kind::nothing ? " is not in " : " is a directory in ";
        throw Error(ErrorKind::usage, quote(paths[i].str()) + is_what + quote(command.source));
    }
    context.reporter.clear();
    for (const ocilayout::FoundPath& file : found.paths) {
        const Bytes bytes = found.contents->open(file.content);
        write_stdout(std::string_view(reinterpret_cast<const char*>(bytes.view().data()), bytes.size()));
    }
    return kDone;
}

}  // namespace smith::cli
