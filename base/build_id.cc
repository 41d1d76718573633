// SPDX-License-Identifier: Apache-2.0
#include "base/build_id.h"

#include <elf.h>
#include <link.h>

#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

namespace smith {

namespace {

std::size_t align_up(std::size_t n) { return (n + 3) / 4 * 4; }

/// The notes of a segment that the linker wrote and the kernel mapped: nothing foreign, but still not read past.
std::string find_in(std::string_view notes) {
    while (notes.size() >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note{};
        std::memcpy(&note, notes.data(), sizeof note);
        const std::size_t name_at = sizeof note;
        const std::size_t id_at = name_at + align_up(note.n_namesz);
        const std::size_t end = id_at + align_up(note.n_descsz);
        if (end > notes.size()) break;
        if (note.n_type == NT_GNU_BUILD_ID && notes.substr(name_at, note.n_namesz) == std::string_view("GNU\0", 4)) {
            return std::string(notes.substr(id_at, note.n_descsz));
        }
        notes.remove_prefix(end);
    }
    return {};
}

std::string id_of(const dl_phdr_info& object) {
    for (std::size_t i = 0; i < object.dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = object.dlpi_phdr[i];
        if (segment.p_type != PT_NOTE || segment.p_align > 4) continue;
        const auto* bytes = reinterpret_cast<const char*>(object.dlpi_addr + segment.p_vaddr);
        std::string id = find_in({bytes, segment.p_memsz});
        if (!id.empty()) return id;
    }
    return {};
}

struct Search {
    std::string_view library;  // "": the executable
    std::string found;
};

/// dl_iterate_phdr(3) gives the executable first; 1 ends its walk.
int look_at(dl_phdr_info* info, std::size_t /*size*/, void* out) {
    Search& search = *static_cast<Search*>(out);
    if (!search.library.empty()) {
        const std::string_view path = info->dlpi_name;
        if (!path.substr(path.rfind('/') + 1).starts_with(search.library)) return 0;
    }
    search.found = id_of(*info);
    return 1;
}

}  // namespace

std::string build_id() { return build_id_of_library({}); }

std::string build_id_of_library(std::string_view name) {
    Search search{name, {}};
    dl_iterate_phdr(look_at, &search);
    return std::move(search.found);
}

}  // namespace smith
