// SPDX-License-Identifier: Apache-2.0
//
// The parser of specs as a program, for tests in other languages.
//
//   spec_check FILE...     Prints the canonical JSON of each FILE, and warnings and problems on standard error.
//                          Exit 0: all are specs; 2: at least one is none
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "builder/spec_json.h"
#include "builder/spec_parse.h"

namespace {

using smith::Error;
using smith::RecordingReporter;

void print(std::FILE* out, const std::string& text) { static_cast<void>(std::fputs(text.c_str(), out)); }

/// False when it is no spec.
bool check(const char* file) {
    RecordingReporter reporter;
    bool good = true;
    try {
        const smith::builder::Spec spec = smith::builder::load_spec(file, reporter);
        const std::string json = smith::dump_json_pretty(smith::builder::to_json(spec));
        // What is attached to an image is a spec too, and the same one.
        RecordingReporter again;
        const smith::builder::Spec back = smith::builder::parse_spec(json, "canonical JSON", again);
        if (back != smith::builder::without_credentials(spec)) throw Error(smith::ErrorKind::format, "JSON differs");
        print(stdout, json);
    } catch (const Error& e) {
        print(stderr, e.message() + "\n");
        good = false;
    }
    for (const std::string& warning : reporter.warnings) print(stderr, "warning: " + warning + "\n");
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    bool all_good = true;
    for (int i = 1; i < argc; ++i) all_good = check(argv[i]) && all_good;
    return all_good ? 0 : 2;
}
