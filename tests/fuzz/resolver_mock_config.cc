// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes mock configurations. Agreement: a string that is written again with escapes is read as the same string, and
// what is read does not depend on what else is in the file before it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "resolver/mock_config.h"

using namespace smith;
using namespace smith::resolver;

namespace {

std::string literal_of(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\\' || c == '\'') out += '\\';
        if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out + "'";
}

MockConfig parsed(std::string_view text) {
    return parse_mock_config(text, "m.cfg", [](const std::string&) { return std::string("config_opts['x'] = 'y'\n"); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const MockConfig mock = parsed({reinterpret_cast<const char*>(data), size});
        // What still has braces could be taken for a template the second time.
        if (mock.conf.find('{') == std::string::npos) {
            const MockConfig again =
                parsed("config_opts['root'] = 'x'\nconfig_opts['yum.conf'] = " + literal_of(mock.conf) + "\n");
            if (again.conf != mock.conf) std::abort();
        }
        static_cast<void>(
            mock.repos(repo_vars("x86_64", mock.releasever), mock.main(silent_reporter()), silent_reporter()));
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::spec) std::abort();
    }
    return 0;
}
