// SPDX-License-Identifier: Apache-2.0
#include "tools/smith/test_report.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "tools/smith/json_text.h"
#include "tools/smith/text.h"

namespace smith::cli {

namespace {

using builder::TestOutcome;
using nlohmann::json;

std::string show_stream(std::string_view name, std::string_view bytes) {
    if (bytes.empty()) return {};
    std::string out = "  " + std::string(name) + ":\n";
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        out += "    " + printable(bytes.substr(0, end)) + "\n";
        bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    }
    return out;
}

}  // namespace

std::string list_outcomes(const std::vector<TestOutcome>& outcomes) {
    std::string out;
    for (const TestOutcome& outcome : outcomes) {
        out += (outcome.passed ? "ok      " : "failed  ") + printable(outcome.what) + " (" +
               std::to_string(outcome.took.count()) + " ms)\n";
    }
    return out;
}

std::string show_output_of_failed(const std::vector<TestOutcome>& outcomes) {
    std::string out;
    for (const TestOutcome& outcome : outcomes) {
        if (outcome.passed) continue;
        out += show_stream("standard output", outcome.out);
        out += show_stream("standard error", outcome.err);
    }
    return out;
}

std::string failure_message(const std::vector<TestOutcome>& outcomes) {
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        if (outcomes[i].passed) continue;
        return "test " + std::to_string(i + 1) + " failed: " + printable(outcomes[i].what) + ": " + outcomes[i].problem;
    }
    return "a test of the image failed";
}

json outcomes_json(const std::vector<TestOutcome>& outcomes) {
    json out = json::array();
    for (const TestOutcome& outcome : outcomes) {
        json one = {{"what", json_text(outcome.what)},
                    {"passed", outcome.passed},
                    {"took_ms", outcome.took.count()},
                    {"stdout", json_text(outcome.out)},
                    {"stderr", json_text(outcome.err)}};
        if (!outcome.passed) one["problem"] = json_text(outcome.problem);
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace smith::cli
