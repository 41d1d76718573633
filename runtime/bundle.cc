// SPDX-License-Identifier: Apache-2.0
#include "runtime/bundle.h"

#include <algorithm>
#include <system_error>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"

namespace smith::runtime {

namespace {

bool is_id_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
           c == '-' || c == '.';
}

}  // namespace

Bundle load_bundle(const std::filesystem::path& directory, std::string* text) {
    std::error_code error;
    Bundle bundle;
    bundle.directory = std::filesystem::canonical(directory, error);
    if (error) throw system_error(error.value(), "opening the bundle " + quote(directory.string()));
    const std::filesystem::path file = bundle.directory / "config.json";
    bundle.config = while_doing([&] { return "reading " + quote(file.string()); },
                                [&] {
                                    std::string read = read_file(file, limits::kMaxConfigBytes);
                                    RuntimeConfig config = parse_config(read);
                                    if (text != nullptr) *text = std::move(read);
                                    return config;
                                });
    return bundle;
}

void check_container_id(std::string_view id) {
    if (id.empty() || id.size() > limits::kMaxNameBytes || id == "." || id == ".." ||
        !std::all_of(id.begin(), id.end(), is_id_character)) {
        throw Error(ErrorKind::usage, quote(id) + " is not a container id: 1 to 255 letters, digits and '_+-.' are");
    }
}

}  // namespace smith::runtime
