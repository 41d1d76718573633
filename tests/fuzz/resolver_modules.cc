// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes modules.yaml, and what is chosen of it. Agreement: what is active was there to be chosen, one stream of each
// module.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/error.h"
#include "resolver/module_choice.h"

using namespace smith;
using namespace smith::resolver;

namespace {

/// One file, written anew for each input: a MetadataStream reads files.
const std::filesystem::path& scratch_file() {
    static const std::filesystem::path file = [] {
        std::string folder = (std::filesystem::temp_directory_path() / "fuzz-modules-XXXXXX").string();
        if (mkdtemp(folder.data()) == nullptr) std::abort();
        return std::filesystem::path(folder) / "modules.yaml";
    }();
    return file;
}

void check_choice(const Modules& modules) {
    const ModuleChoice choice = choose_modules(modules, {{}, {}, "platform:el9", "x86_64"}, silent_reporter());
    if (choice.active.size() != modules.streams.size()) std::abort();
    std::map<std::string, std::string> active;
    for (std::size_t i = 0; i < choice.active.size(); ++i) {
        const ModuleStream& one = modules.streams[i];
        if (choice.active[i] && active.emplace(one.name, one.stream).first->second != one.stream) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::ofstream(scratch_file(), std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    try {
        RepomdRecord record;
        record.location = "modules.yaml";
        MetadataStream stream(scratch_file(), record, MetadataText::yaml);
        Modules modules;
        read_modules(stream, modules);
        check_choice(modules);
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format && e.kind() != ErrorKind::resolve) std::abort();
    }
    return 0;
}
