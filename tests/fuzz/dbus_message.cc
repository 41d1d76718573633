// SPDX-License-Identifier: Apache-2.0
//
// What a bus says, and what of a configuration goes to it. The first byte says which.
#include "runtime/dbus_message.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/dbus_connection.h"
#include "runtime/systemd_unit.h"

namespace {

using namespace smith;
using namespace smith::runtime;

void try_message(std::string_view bytes) {
    const DbusMessage message = parse_dbus_message(bytes);
    if (dbus_message_size(bytes) != bytes.size() || message.body.size() > bytes.size()) __builtin_trap();
    // What was said about the body may be wrong.
    DbusReader reader(message);
    reader.skip(message.signature);
    static_cast<void>(dbus_error_text(message));
}

void try_scope(const std::string& path) {
    const SystemdScope scope = parse_systemd_scope(path, path, false);
    const std::string where = slice_directory(scope.slice) + "/" + scope.unit;
    if (scope.unit.find('/') != std::string::npos || scope.unit.find('\'') != std::string::npos) __builtin_trap();
    if (where.find("/../") != std::string::npos || !scope.unit.ends_with(".scope")) __builtin_trap();
}

void try_annotation(std::string_view text) {
    const std::size_t line = text.find('\n');
    if (line == std::string_view::npos) return;
    const std::string name(text.substr(0, line));
    const auto properties =
        annotated_properties({{std::string(kSystemdAnnotation) + name, std::string(text.substr(line + 1))}});
    DbusBody body;
    body.add(properties);
    // What is written can be read.
    DbusReader reader(body.bytes(), false);
    reader.skip(body.signature());
    if (reader.left() != 0) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    try {
        switch (data[0] % 4) {
            case 0: try_message(text); break;
            case 1: try_annotation(text); break;
            case 2: try_scope(std::string(text)); break;
            default: static_cast<void>(parse_dbus_addresses(text)); break;
        }
    } catch (const smith::Error&) {
    }
    return 0;
}
