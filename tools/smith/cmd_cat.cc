// SPDX-License-Identifier: Apache-2.0
//
// `smith cat`: the bytes of files of an image.
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/output.h"

namespace smith::cli {

namespace {

/// The file that `path` leads to, links followed inside the image.
const Content& find_file(const FileTree& tree, const std::string& path, const std::string& source) {
    const ImagePath asked = ImagePath::parse(path);
    const Resolution found = tree.resolve(asked);
    if (found.entry == nullptr) throw Error(ErrorKind::usage, quote(asked.str()) + " is not in " + quote(source));
    const Regular* file = as_regular(found.entry);
    if (file == nullptr) throw Error(ErrorKind::usage, quote(asked.str()) + " is a directory in " + quote(source));
    return file->content;
}

}  // namespace

int run_command(const CatCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const ocilayout::LoadedImage image = open_image(command.source, context, false);
    // All of them are looked for before the first is written.
    std::vector<Content> contents;
    for (const std::string& path : command.paths) contents.push_back(find_file(image.tree, path, command.source));
    context.reporter.clear();
    for (const Content& content : contents) {
        const Bytes bytes = image.contents->open(content);
        write_stdout(std::string_view(reinterpret_cast<const char*>(bytes.view().data()), bytes.size()));
    }
    return kDone;
}

}  // namespace smith::cli
