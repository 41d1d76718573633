// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are read as ELF, refused with an Error, or none; and a closure over a tree of just that file ends.
#include "builder/elf/elf_file.h"

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/contents.h"
#include "base/error.h"
#include "builder/elf/closure.h"
#include "builder/elf/ld_so_cache.h"

namespace {

void close_over(const std::string& bytes) {
    smith::MemoryContents contents;
    smith::FileTree tree;
    const smith::Regular file{true, contents.put(bytes)};
    tree.put(smith::ImagePath::parse("/bin/tool"), {file, {}});
    tree.put(smith::ImagePath::parse("/lib64/ld-linux-x86-64.so.2"), {file, {}});
    tree.put(smith::ImagePath::parse("/etc/ld.so.conf"), {file, {}});
    tree.put(smith::ImagePath::parse("/etc/ld.so.cache"), {file, {}});
    const smith::elf::Closure closure = smith::elf::close_over_libraries(tree, tree, contents);
    // What was found is there.
    for (const smith::elf::Edge& edge : closure.edges) {
        if (smith::as_regular(tree.resolve(edge.found).entry) == nullptr) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const auto view = std::as_bytes(std::span(bytes.data(), bytes.size()));
    try {
        if (smith::elf::read_elf(view).has_value() != smith::elf::has_elf_magic(view)) std::abort();
    } catch (const smith::Error& e) {
        if (e.kind() != smith::ErrorKind::format) std::abort();
    }
    try {
        static_cast<void>(smith::elf::read_ld_so_cache(view));
    } catch (const smith::Error& e) {
        if (e.kind() != smith::ErrorKind::format) std::abort();
    }
    close_over(bytes);
    return 0;
}
