// SPDX-License-Identifier: Apache-2.0
//
// `smith import`: another tool's configuration as a spec, on standard output.
#include "base/bounds.h"
#include "base/fd.h"
#include "builder/import_rpmoci.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/output.h"

namespace smith::cli {

int run_command(const ImportCommand& command, Context& context) {
    const std::string text = read_file(command.file, limits::kMaxSpecBytes);
    write_stdout(builder::import_rpmoci(text, command.file.string(), context.reporter));
    return kDone;
}

}  // namespace smith::cli
