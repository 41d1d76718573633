// SPDX-License-Identifier: Apache-2.0
//
// A bundle for one test: a root file system with the probe in it, and the rules of a microcontainer, which a test
// bends.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/fd.h"
#include "runtime/container.h"
#include "runtime/spec.h"
#include "tests/unit/temp_dir.h"

namespace smith::runtime {

/// The probe's bytes; main() reads them while it still may.
inline std::string probe_image;

struct Outcome {
    ExitStatus status;
    std::string out;
};

class TestBundle {
public:
    TestBundle();

    [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }
    [[nodiscard]] std::filesystem::path root() const { return path() / "rootfs"; }
    /// What default_config is given; `mappings` are chosen when a test has not.
    SpecParameters parameters;
    /// Called with the document before it is written.
    std::function<void(nlohmann::json&)> bend;

    /// Writes config.json for `probe ARGUMENTS`.
    void configure(const std::vector<std::string>& arguments);
    /// Runs `probe ARGUMENTS` to its end.
    Outcome run(const std::vector<std::string>& arguments, const RunOptions& options = {});
    /// The output of `probe ARGUMENTS`, without the last newline. The probe must exit with 0.
    std::string ask(const std::vector<std::string>& arguments);
    /// What start() says against it; "" when it starts.
    std::string refusal(const std::vector<std::string>& arguments);

private:
    TempDir directory_;
};

/// A running probe, whose output can be read.
struct Running {
    Container container;
    UniqueFd out;
    /// Waits for the next line.
    std::string line();
};
[[nodiscard]] Running start_probe(TestBundle& bundle, const std::vector<std::string>& arguments,
                                  Kernel* kernel = nullptr);

/// What this process has that a container must not leave behind: descriptors, mounts, children.
struct Belongings {
    std::vector<std::string> descriptors;
    std::string mounts;
    std::string children;
    bool operator==(const Belongings&) const = default;
};
[[nodiscard]] Belongings belongings();
[[nodiscard]] std::string children_of_this_thread();
/// Everything below `directory`, one path a line, sorted.
[[nodiscard]] std::string listing(const std::filesystem::path& directory);
[[nodiscard]] std::string contents_of(const std::filesystem::path& file);

}  // namespace smith::runtime
