// SPDX-License-Identifier: Apache-2.0
#include "base/reporter.h"

namespace smith {

namespace {

class SilentReporter : public Reporter {
public:
    void warn(std::string_view) override {}
    void info(std::string_view) override {}
    void debug(std::string_view) override {}
    void progress(std::string_view, std::uint64_t, std::uint64_t) override {}
};

}  // namespace

Reporter& silent_reporter() {
    static SilentReporter reporter;
    return reporter;
}

}  // namespace smith
