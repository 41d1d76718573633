// SPDX-License-Identifier: Apache-2.0
#include "builder/smoke_test.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/cache_directory.h"
#include "base/error.h"
#include "builder/output_collector.h"
#include "builder/readiness.h"

namespace smith::builder {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long a service may take to end after its stop signal before it is killed; docker waits as long.
constexpr milliseconds kGrace{10'000};
// A service without `ready:` is taken to be up when it still runs after this.
constexpr milliseconds kMoment{1'000};

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

std::string describe(const runtime::ExitStatus& status) {
    if (status.signal == 0) return "exited with " + std::to_string(status.code);
    const char* name = ::sigabbrev_np(status.signal);
    return "was killed by " + (name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(status.signal));
}

int signal_number(const std::string& name) {
    if (name.empty()) return SIGTERM;
    std::string_view text = name;
    if (text.starts_with("SIG")) text.remove_prefix(3);
    for (int i = 1; i < SIGRTMIN; ++i) {
        const char* abbreviation = ::sigabbrev_np(i);
        if (abbreviation != nullptr && text == abbreviation) return i;
    }
    if (text.starts_with("RTMIN")) return SIGRTMIN + std::atoi(std::string(text.substr(5)).c_str());
    const int number = std::atoi(name.c_str());
    return number > 0 && number <= SIGRTMAX ? number : SIGTERM;
}

/// What is told of a duration: "10s", "1.5s".
std::string seconds(std::chrono::nanoseconds duration) {
    const auto ms = std::chrono::duration_cast<milliseconds>(duration).count();
    std::string out = std::to_string(ms / 1000);
    if (ms % 1000 != 0) out += "." + std::to_string(ms % 1000 / 100);
    return out + "s";
}

class StepRunner {
public:
    StepRunner(Bundle& bundle, const ocilayout::ImageConfig& config, const std::filesystem::path& write,
               const RuntimeChoice& runtime)
        : bundle_(bundle), config_(config), runtime_(runtime) {
        settings_.write = write;
    }

    TestOutcome run(const TestStep& step) {
        const Clock::time_point started = Clock::now();
        deadline_ = started + std::chrono::duration_cast<Clock::duration>(step.timeout);
        TestOutcome out;
        OutputCollector output;
        try {
            std::visit([&](const auto& what) { out.problem = run_step(what, step, output, out.what); }, step.what);
        } catch (const Error& e) {
            // The image's own fault, such as a program that is not there. What this machine can't do is no test result.
            if (e.kind() != ErrorKind::spec) throw;
            out.problem = e.message();
        }
        output.finish();
        out.out = output.out();
        out.err = output.err();
        out.passed = out.problem.empty();
        out.took = std::chrono::duration_cast<milliseconds>(Clock::now() - started);
        return out;
    }

private:
    std::unique_ptr<Running> start(OutputCollector& output) {
        bundle_.configure(settings_);
        std::unique_ptr<Running> container =
            start_running(bundle_.path(), {-1, output.out_fd(), output.err_fd()}, runtime_);
        output.begin();
        return container;
    }

    [[nodiscard]] std::string not_ready(const StartStep& step, const TestStep& whole) const {
        std::string out = "was not ready within " + seconds(whole.timeout);
        if (runtime_.is_bundled() || std::holds_alternative<ReadyLog>(*step.ready)) return out;
        return out + ", as seen from outside of " + quote(runtime_.program) +
               "; where a runtime keeps the network to itself, as gVisor does, only 'ready: {log: ...}' can be seen";
    }

    [[nodiscard]] milliseconds left() const {
        return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(deadline_ - Clock::now()));
    }

    /// The problem; "" for none.
    std::string run_step(const RunStep& step, const TestStep& whole, OutputCollector& output, std::string& what) {
        what = "run " + joined(step.run);
        settings_.entrypoint = step.run;
        std::optional<runtime::ExitStatus> status;
        std::string failure;
        {
            const std::unique_ptr<Running> container = start(output);
            status = container->wait_for(left());
            failure = container->failure();
        }
        output.finish();
        if (!failure.empty()) return failure;
        if (!status) return "did not end within " + seconds(whole.timeout);
        if (status->signal != 0 || status->code != step.exit) {
            return describe(*status) + ", expected exit " + std::to_string(step.exit);
        }
        if (step.out && !matches(*step.out, output.out())) {
            return "its standard output does not have " + quote(step.out->spelling());
        }
        if (step.err && !matches(*step.err, output.err())) {
            return "its standard error does not have " + quote(step.err->spelling());
        }
        return "";
    }

    std::string run_step(const StartStep& step, const TestStep& whole, OutputCollector& output, std::string& what) {
        what = "start";
        settings_.entrypoint.clear();
        if (step.ready)
            what += std::visit([](const auto& ready) { return ", ready when " + describe_ready(ready); }, *step.ready);
        const std::unique_ptr<Running> container = start(output);
        const auto ended = [&](const runtime::ExitStatus& status, const char* when) {
            const std::string failure = container->failure();
            return failure.empty() ? describe(status) + when : failure;
        };
        if (!step.ready) {
            const auto status = container->wait_for(std::min(kMoment, left()));
            if (status) return ended(*status, " right away");
        } else {
            while (!std::visit([&](const auto& ready) { return is_ready(ready, config_, *container, output); },
                               *step.ready)) {
                if (const auto status = container->wait_for(milliseconds(50)))
                    return ended(*status, " before it was ready");
                if (left().count() == 0) return not_ready(step, whole);
            }
        }
        container->stop(kGrace, signal_number(config_.stop_signal));
        return "";
    }

    Bundle& bundle_;
    const ocilayout::ImageConfig& config_;
    const RuntimeChoice& runtime_;
    RunSettings settings_;
    Clock::time_point deadline_;
};

std::vector<TestOutcome> run_steps_once(Bundle& bundle, const ocilayout::ImageConfig& config,
                                        const std::vector<TestStep>& steps, Reporter& reporter,
                                        const RuntimeChoice& runtime) {
    std::vector<TestOutcome> out;
    StepRunner runner(bundle, config, bundle.make_write_directory(), runtime);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        reporter.progress("testing", i, steps.size());
        out.push_back(runner.run(steps[i]));
        const TestOutcome& outcome = out.back();
        reporter.info("test " + std::to_string(i + 1) + " of " + std::to_string(steps.size()) + ": " + outcome.what +
                      (outcome.passed ? ": passed" : ": " + outcome.problem));
        if (!outcome.passed) break;
    }
    return out;
}

RunBy run_by(const RuntimeChoice& runtime) {
    return runtime.is_bundled() ? RunBy::bundled_runtime : RunBy::any_runtime;
}

/// The bundle lies in the cache, which may be deleted under a running test. What fails then is no result.
void check_bundle(const Bundle& bundle, const FileTree& tree) {
    if (!bundle.is_whole(tree)) throw system_error(ENOENT, "looking at " + quote(bundle.path().string()));
}

std::vector<TestOutcome> run_steps(Bundle& bundle, const RunnableImage& image, const std::vector<TestStep>& steps,
                                   Reporter& reporter, const RuntimeChoice& runtime) {
    std::vector<TestOutcome> out;
    try {
        out = run_steps_once(bundle, image.config, steps, reporter, runtime);
    } catch (const Error&) {
        check_bundle(bundle, image.tree);
        throw;
    }
    if (!all_passed(out)) check_bundle(bundle, image.tree);
    return out;
}

}  // namespace

std::vector<TestOutcome> run_tests(const RunnableImage& image, const std::vector<TestStep>& steps,
                                   const std::filesystem::path& scratch, Reporter& reporter,
                                   const RuntimeChoice& runtime) {
    if (steps.empty()) return {};
    const RuntimeChoice found = find_runtime(runtime);
    return while_doing([] { return "testing the image"; },
                       [&] {
                           return outliving_deletions([&] {
                               Bundle bundle(image, scratch / "run", std::nullopt, run_by(found));
                               return run_steps(bundle, image, steps, reporter, found);
                           });
                       });
}

bool all_passed(const std::vector<TestOutcome>& outcomes) {
    return std::ranges::all_of(outcomes, &TestOutcome::passed);
}

int run_image(const RunnableImage& image, const RunSettings& settings, const std::filesystem::path& scratch,
              const RuntimeChoice& runtime) {
    return while_doing([] { return "running the image"; },
                       [&] {
                           const RuntimeChoice found = find_runtime(runtime);
                           Bundle bundle(image, scratch / "run", settings.write, run_by(found));
                           bundle.configure(settings);
                           return run_in_foreground(bundle.path(), found);
                       });
}

}  // namespace smith::builder
