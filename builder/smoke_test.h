// SPDX-License-Identifier: Apache-2.0
//
// The `test:` section of a spec: each step runs in a fresh container of the image, on its read-only root; all steps of
// one list share one /write, so that a first can prepare what a second serves.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/reporter.h"
#include "builder/bundle.h"
#include "builder/running.h"
#include "builder/spec.h"

namespace smith::builder {

struct TestOutcome {
    std::string what;  ///< the command line, or "start" with what was waited for
    bool passed = false;
    std::string problem;                ///< one sentence when it did not pass
    std::string out, err;               ///< what it printed, cut to the last kKeptOutput bytes
    std::chrono::milliseconds took{0};  ///< for people; in no image and no lock
};

/// Runs the steps in order and stops at the first that fails. `scratch` is a directory for bundles.
/// Throws Error when a container can't be made at all (kind `system`), as opposed to a step that fails; of another
/// runtime than the bundled one that can't be told apart. Usage: there is no such runtime.
[[nodiscard]] std::vector<TestOutcome> run_tests(const RunnableImage& image, const std::vector<TestStep>& steps,
                                                 const std::filesystem::path& scratch, Reporter& reporter,
                                                 const RuntimeChoice& runtime = {});

[[nodiscard]] bool all_passed(const std::vector<TestOutcome>& outcomes);

/// Runs the image in the foreground, with this process's standard streams and signals. Returns its exit status, or
/// 128 + the number of the signal that ended it.
[[nodiscard]] int run_image(const RunnableImage& image, const RunSettings& settings,
                            const std::filesystem::path& scratch, const RuntimeChoice& runtime = {});

}  // namespace smith::builder
