// SPDX-License-Identifier: Apache-2.0
//
// config.json, of whole bundles and of `exec --process`: an Error or a value, whatever the bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "runtime/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace smith;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const runtime::RuntimeConfig config = runtime::parse_config(text);
        // What the rest of the runtime takes for granted.
        if (config.has_process && config.process.args.empty()) __builtin_trap();
        if (config.has_process && !config.process.cwd.starts_with('/')) __builtin_trap();
        for (const runtime::MountConfig& mount : config.mounts) {
            if (!mount.destination.starts_with('/') || mount.destination.find("/../") != std::string::npos) {
                __builtin_trap();
            }
        }
    } catch (const Error&) {
    }
    try {
        static_cast<void>(runtime::parse_process_document(text, runtime::ProcessConfig()));
    } catch (const Error&) {
    }
    return 0;
}
