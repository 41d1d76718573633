// SPDX-License-Identifier: Apache-2.0
//
// `smith tags` and `smith delete`: what a repository has, and less of it.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "ocilayout/registry/registry.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/json_text.h"
#include "tools/smith/output.h"

namespace smith::cli {

int run_command(const TagsCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const std::vector<std::string> tags = while_doing(
        [&] { return "listing the tags of " + quote(command.place); },
        [&] { return ocilayout::list_tags(ocilayout::parse_reference(command.place), transport_options(context)); });
    context.reporter.clear();
    std::string lines;
    nlohmann::json list = nlohmann::json::array();
    for (const std::string& tag : tags) {
        lines += tag + "\n";
        list.push_back(json_text(tag));
    }
    if (context.common.json)
        write_json(list);
    else
        write_stdout(lines);
    return kDone;
}

int run_command(const DeleteCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    std::vector<std::string> problems;
    while_doing([&] { return "deleting " + quote(command.image); },
                [&] {
                    const ocilayout::Reference image = ocilayout::parse_reference(command.image);
                    if (image.transport != ocilayout::Transport::docker) {
                        throw Error(ErrorKind::usage, "images are deleted from registries; a layout is a directory");
                    }
                    problems = ocilayout::delete_from_registry(image, transport_options(context));
                });
    context.reporter.clear();
    for (const std::string& problem : problems) context.reporter.warn(problem);
    context.reporter.info("deleted " + quote(command.image));
    return kDone;
}

}  // namespace smith::cli
