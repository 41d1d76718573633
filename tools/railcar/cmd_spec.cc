// SPDX-License-Identifier: Apache-2.0
//
// railcar spec [--bundle DIR] [--rootless] [-- PROGRAM [ARGUMENT...]]: writes DIR/config.json.
#include <fcntl.h>

#include <algorithm>

#include "base/error.h"
#include "runtime/spec.h"
#include "tools/railcar/commands.h"

namespace smith::railcar {

int command_spec(const Global&, const Words& words) {
    std::filesystem::path bundle = ".";
    bool rootless = false;
    const auto dashes = std::find(words.begin(), words.end(), "--");
    const Words rest =
        parse_options({words.begin(), dashes}, {option("bundle", 'b', bundle), flag("rootless", 0, rootless)});
    if (!rest.empty()) usage("'spec' takes no " + quote(rest.front()));
    runtime::SpecParameters parameters;
    parameters.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    if (dashes != words.end() && dashes + 1 != words.end()) parameters.args.assign(dashes + 1, words.end());
    const auto choice = rootless ? runtime::MappingChoice::single : runtime::MappingChoice::automatic;
    parameters.mappings = runtime::choose_mappings(parameters.uid, parameters.gid, choice);
    const std::string text = runtime::default_config(parameters);
    // As runc: a configuration that somebody has edited is not written over.
    const UniqueFd file = open_file(bundle / "config.json", O_WRONLY | O_CREAT | O_EXCL, 0644);
    write_all(file.get(), as_bytes(text));
    return 0;
}

}  // namespace smith::railcar
