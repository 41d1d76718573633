// SPDX-License-Identifier: Apache-2.0
//
// The programs of the host: a closure over each must be what the host's ld.so loads for it.
#include <sys/mman.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <memory>

#include "tests/unit/elf/host_loader.h"

namespace smith::elf {
namespace {

/// Files of the host by their paths: a tree's digests only have to differ, and nobody checks them here.
class HostContents : public Contents {
public:
    Content put(const fs::path& path) {
        const Content content{sha256(path.string()), fs::file_size(path)};
        paths_.emplace(content.digest, path);
        return content;
    }
    [[nodiscard]] Bytes open(const Content& content) const override {
        // Mapped: a closure looks at a few pages of what may be a hundred megabytes.
        const UniqueFd fd = open_file(paths_.at(content.digest), O_RDONLY);
        const std::size_t size = content.size;
        if (size == 0) return {};
        void* map = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
        if (map == MAP_FAILED) throw system_error(errno, "mapping a file of the host");
        const std::shared_ptr<const void> keep(map, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
        return {keep, std::span(static_cast<const std::byte*>(map), size)};
    }

private:
    std::map<Digest, fs::path> paths_;
};

void add_host_file(FileTree& tree, HostContents& contents, const fs::directory_entry& entry) {
    const std::string path = entry.path().string();
    if (entry.is_symlink()) {
        tree.put(ImagePath::parse(path), {Symlink{fs::read_symlink(entry.path()).string()}, {}});
    } else if (entry.is_regular_file() && ::access(path.c_str(), R_OK) == 0) {
        tree.put(ImagePath::parse(path), {Regular{::access(path.c_str(), X_OK) == 0, contents.put(path)}, {}});
    }
}

void add_host_directory(FileTree& tree, HostContents& contents, const fs::path& directory) {
    std::error_code error;
    if (fs::is_symlink(directory)) {
        add_host_file(tree, contents, fs::directory_entry(directory));
        return;
    }
    for (const auto& entry :
         fs::recursive_directory_iterator(directory, fs::directory_options::skip_permission_denied, error)) {
        // Of the libraries' directories only libraries: a hundred thousand other files have nothing to say here.
        const bool may_matter = directory == "/usr/bin" || entry.is_symlink() ||
                                entry.path().filename().string().find(".so") != std::string::npos;
        if (may_matter) add_host_file(tree, contents, entry);
    }
}

/// Programs of /usr/bin that the host's usual loader starts; about `count` of them, from everywhere in the alphabet.
std::vector<ImagePath> some_programs(const FileTree& tree, const HostContents& contents, std::size_t count) {
    std::vector<ImagePath> all;
    for (const ImagePath& path : tree.children(ImagePath::parse("/usr/bin"))) {
        const Regular* file = as_regular(tree.find(path));
        if (file == nullptr || !file->executable ||
            (fs::status(path.str()).permissions() & fs::perms::set_uid) != fs::perms::none) {
            continue;
        }
        const Bytes bytes = contents.open(file->content);
        if (!has_elf_magic(bytes.view())) continue;
        const std::optional<ElfFile> program = read_elf(bytes.view());
        if (program->interpreter == kLoader) all.push_back(path);
    }
    std::vector<ImagePath> out;
    const std::size_t step = std::max<std::size_t>(1, all.size() / count);
    for (std::size_t i = 0; i < all.size(); i += step) out.push_back(all[i]);
    return out;
}

TEST_CASE("ld.so agrees about a hundred programs of the host", "[elf][host]") {
    if (!has_host_loader()) return;
    FileTree tree;
    HostContents contents;
    for (const char* d :
         {"/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/bin", "/lib", "/lib32", "/lib64"}) {
        add_host_directory(tree, contents, d);
    }
    // The cache alone, as ld.so has it.
    if (fs::exists("/etc/ld.so.cache")) add_host_file(tree, contents, fs::directory_entry("/etc/ld.so.cache"));
    const std::vector<ImagePath> programs = some_programs(tree, contents, 100);
    CHECK(programs.size() >= 10);
    for (const ImagePath& program : programs) {
        CAPTURE(program.str());
        FileTree chosen;
        chosen.put(program, *tree.find(program));
        const Closure closure = close_over_libraries(chosen, tree, contents);
        INFO(dump(closure));
        const Ran ran = run({program.str()}, {"LD_TRACE_LOADED_OBJECTS=1"});
        INFO(ran.output);
        REQUIRE(ran.status == 0);
        check_agreement(resolved(parse_trace(ran.output), tree), loads_of(closure, tree));
    }
}

}  // namespace
}  // namespace smith::elf
