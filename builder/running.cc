// SPDX-License-Identifier: Apache-2.0
#include "builder/running.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "base/error.h"
#include "builder/other_runtime.h"

namespace smith::builder {

namespace {

namespace fs = std::filesystem;

class Bundled : public Running {
public:
    explicit Bundled(runtime::Container container) : container_(std::move(container)) {}
    std::optional<runtime::ExitStatus> wait_for(std::chrono::milliseconds timeout) override {
        return container_.wait_for(timeout);
    }
    void stop(std::chrono::milliseconds grace, int signal) override {
        static_cast<void>(container_.stop(grace, signal));
    }
    UniqueFd connect_tcp(std::uint16_t port, std::chrono::milliseconds timeout) override {
        return container_.connect_tcp(port, timeout);
    }

private:
    runtime::Container container_;
};

bool is_program(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::unique_ptr<Running> start_running(const fs::path& bundle, const runtime::Stdio& stdio,
                                       const RuntimeChoice& runtime) {
    if (!runtime.is_bundled()) return std::make_unique<OtherRuntime>(bundle, stdio, runtime);
    runtime::RunOptions options;
    options.stdio = stdio;
    return std::make_unique<Bundled>(runtime::Container::start(bundle, options));
}

int run_in_foreground(const fs::path& bundle, const RuntimeChoice& runtime) {
    if (runtime.is_bundled()) return runtime::run(bundle).shell_status();
    // First the handlers: a signal that comes while the container starts is passed on as soon as it runs.
    const runtime::SignalForwarding forwarding;
    return OtherRuntime(bundle, runtime::Stdio{}, runtime).attend(forwarding).shell_status();
}

RuntimeChoice find_runtime(RuntimeChoice runtime) {
    if (runtime.is_bundled()) return runtime;
    if (runtime.program.find('/') != std::string::npos) {
        if (!is_program(runtime.program)) {
            throw Error(ErrorKind::usage, "the runtime " + quote(runtime.program) + " is not a program");
        }
        runtime.program = fs::absolute(runtime.program).string();
        return runtime;
    }
    // Runtimes are often where only root's PATH leads.
    const char* path = std::getenv("PATH");
    std::istringstream folders(std::string(path != nullptr ? path : "") + ":/usr/local/sbin:/usr/sbin:/usr/bin:/sbin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        const fs::path candidate = fs::path(folder) / runtime.program;
        if (!folder.starts_with('/') || !is_program(candidate)) continue;
        runtime.program = candidate.string();
        return runtime;
    }
    throw Error(ErrorKind::usage, "there is no runtime " + quote(runtime.program) + " in the folders of PATH");
}

}  // namespace smith::builder
