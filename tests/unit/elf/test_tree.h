// SPDX-License-Identifier: Apache-2.0
//
// Trees for tests, written as a list of paths.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/contents.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/file_tree.h"
#include "builder/elf/closure.h"
#include "tests/unit/elf/elf_builder.h"

namespace smith::elf {

struct Link {
    std::string target;
};
struct Text {
    std::string text;
    bool executable = false;
};
struct Dir {};

inline Link link(std::string_view target) { return {std::string(target)}; }
inline Text text(std::string_view text) { return {std::string(text), false}; }
inline Text script(std::string_view text) { return {std::string(text), true}; }

using Item = std::variant<ElfBuilder, Link, Text, Dir>;

/// A tree together with the bytes of its files.
struct TestTree {
    FileTree tree;
    MemoryContents contents;

    TestTree() = default;
    TestTree(std::initializer_list<std::pair<const char*, Item>> items) {
        for (const auto& [path, item] : items) add(path, item);
    }
    void add(std::string_view path, const Item& item) {
        tree.put(ImagePath::parse(path), {std::visit([&](const auto& x) { return node(x); }, item), "test"});
    }
    /// The named files alone, with their directories.
    [[nodiscard]] FileTree only(std::initializer_list<const char*> paths) const {
        FileTree out;
        for (const char* text : paths) {
            const ImagePath path = ImagePath::parse(text);
            const Entry* entry = tree.find(path);
            if (entry == nullptr) throw Error(ErrorKind::usage, "the test has no " + quote(text));
            out.put(path, *entry);
        }
        return out;
    }

private:
    // Debian's libraries are not executable, and neither are the tests': what is ELF is told by its magic.
    Node node(const ElfBuilder& elf) { return Regular{false, contents.put(elf.bytes())}; }
    Node node(const Link& link) { return Symlink{link.target}; }
    Node node(const Text& text) { return Regular{text.executable, contents.put(text.text)}; }
    Node node(const Dir&) { return Directory{}; }
};

/// What is brought for `paths`, as text.
inline std::string closure_of(const TestTree& all, std::initializer_list<const char*> paths,
                              const ClosureOptions& options = {}) {
    return dump(close_over_libraries(all.only(paths), all.tree, all.contents, options));
}

}  // namespace smith::elf
