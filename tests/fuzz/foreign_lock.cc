// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes locks and configurations of other tools. Agreement: a spec that was imported is one that can be read.
#include "builder/foreign_lock.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "builder/import_rpmoci.h"
#include "builder/yaml_reader.h"

using namespace smith;
using namespace smith::builder;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        static_cast<void>(read_foreign_lock(text, "x", "x86_64"));
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format && e.kind() != ErrorKind::spec) std::abort();
    }
    std::string spec;
    try {
        spec = import_rpmoci(text, "x", silent_reporter());
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format && e.kind() != ErrorKind::spec) std::abort();
        return 0;
    }
    // An Error from here on is a find.
    static_cast<void>(read_yaml(spec, "imported"));
    return 0;
}
