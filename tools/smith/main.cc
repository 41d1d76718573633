// SPDX-License-Identifier: Apache-2.0
//
// smith: from the command line to an exit status. Reads as a table of contents; the commands are in cmd_*.cc.
#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/standard_streams.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/options.h"
#include "tools/smith/output.h"
#include "tools/smith/terminal_reporter.h"

namespace smith::cli {

namespace {

/// What holds for a command line that can't be read: somebody parses our output nevertheless.
CommonOptions guess_common_options(const std::vector<std::string>& args) {
    const auto separator = std::find(args.begin(), args.end(), "--");
    CommonOptions guess;
    guess.json = std::find(args.begin(), separator, "--json") != separator;
    return guess;
}

int tell(const Failure& failure, const Context& context) {
    context.reporter.error(failure.message);
    if (context.common.json) write_json(to_json(failure));
    return failure.status;
}

int fail(const std::exception& error, const Context& context) {
    if (was_interrupted()) wait_for_the_end();
    return tell(describe(error), context);
}

ReporterSettings reporter_settings(const CommonOptions& common) {
    ReporterSettings settings = settings_for_standard_error(common.color);
    settings.quiet = common.quiet;
    settings.verbose = common.verbose;
    return settings;
}

int run_invocation(const Invocation& invocation) {
    TerminalReporter reporter(reporter_settings(invocation.common));
    Context context{invocation.common, reporter};
    try {
        for (const std::string& warning : invocation.warnings) reporter.warn(warning);
        return std::visit([&](const auto& command) { return run_command(command, context); }, invocation.command);
    } catch (const OutputClosed&) {
        throw;
    } catch (const std::exception& error) {
        return fail(error, context);
    }
}

int refuse(const std::exception& error, const std::vector<std::string>& args) {
    const CommonOptions common = guess_common_options(args);
    TerminalReporter reporter(reporter_settings(common));
    return fail(error, Context{common, reporter});
}

int run_command_line(const std::vector<std::string>& args) {
    std::optional<Invocation> invocation;
    try {
        invocation = parse_command_line(args);
    } catch (const std::exception& error) {
        return refuse(error, args);
    }
    return run_invocation(*invocation);
}

/// The last thing that can go wrong is that the result did not reach the disk.
int main_with_output(const std::vector<std::string>& args) {
    try {
        const int status = run_command_line(args);
        close_stdout();
        return status;
    } catch (const OutputClosed&) {
        die_of_sigpipe();
    } catch (const std::exception& error) {
        TerminalReporter(settings_for_standard_error(ColorMode::automatic)).error(describe(error).message);
        return kFailed;
    }
}

}  // namespace

}  // namespace smith::cli

int main(int argc, char** argv) {
    // Whoever started us may ignore it; then the exit status of a test's container could not be had.
    static_cast<void>(std::signal(SIGCHLD, SIG_DFL));
    smith::prepare_standard_streams();
    return smith::cli::main_with_output(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
