// SPDX-License-Identifier: Apache-2.0
//
// `smith test`: the tests of a spec, against an image that is there already.
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "builder/smoke_test.h"
#include "builder/spec_json.h"
#include "builder/spec_parse.h"
#include "tools/smith/commands.h"
#include "tools/smith/failure.h"
#include "tools/smith/image_source.h"
#include "tools/smith/interrupt.h"
#include "tools/smith/output.h"
#include "tools/smith/test_report.h"

namespace smith::cli {

namespace {

using builder::TestOutcome;
using nlohmann::json;

builder::Spec spec_to_test(const TestCommand& command, const ocilayout::ImageHead& head, Reporter& reporter) {
    if (!command.spec.empty()) return builder::load_spec(command.spec, reporter);
    const ocilayout::Artifact* attached = find_artifact(head, builder::kSpecMediaType);
    if (attached == nullptr)
        throw Error(ErrorKind::usage,
                    quote(command.source) + " has no spec attached to take tests from; name one with --spec FILE");
    return builder::parse_spec(attached->bytes, "the spec attached to " + quote(command.source), reporter);
}

/// What run_tests() tells of each test as it goes is the result here, and comes on standard output.
class WithoutInfo : public Reporter {
public:
    explicit WithoutInfo(Reporter& to) : to_(to) {}
    void warn(std::string_view message) override { to_.warn(message); }
    void info(std::string_view message) override { static_cast<void>(message); }
    void debug(std::string_view message) override { to_.debug(message); }
    void progress(std::string_view phase, std::uint64_t done, std::uint64_t total) override {
        to_.progress(phase, done, total);
    }

private:
    Reporter& to_;
};

int report(const std::vector<TestOutcome>& outcomes, const Context& context) {
    context.reporter.clear();
    const bool passed = builder::all_passed(outcomes);
    const Failure failure{kTestFailed, "test", passed ? std::string() : failure_message(outcomes)};
    if (context.common.json) {
        json document = {{"passed", passed}, {"tests", outcomes_json(outcomes)}};
        if (!passed) document.update(to_json(failure));
        write_json(document);
    } else {
        write_stdout(list_outcomes(outcomes));
    }
    if (passed) return kDone;
    context.reporter.error(failure.message);
    context.reporter.text(show_output_of_failed(outcomes));
    return kTestFailed;
}

}  // namespace

int run_command(const TestCommand& command, Context& context) {
    const InterruptGuard guard(context.reporter);
    const ocilayout::LoadedImage image = open_image(command.source, context);
    const builder::Spec spec = spec_to_test(command, image.head, context.reporter);
    if (spec.tests.empty()) context.reporter.warn("there are no tests for " + quote(command.source));
    const builder::RunnableImage runnable{image.tree, *image.contents, image.head.config};
    WithoutInfo reporter(context.reporter);
    return report(builder::run_tests(runnable, spec.tests, context.cache_dir(), reporter, command.runtime), context);
}

}  // namespace smith::cli
