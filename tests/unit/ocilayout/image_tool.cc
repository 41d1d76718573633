// SPDX-License-Identifier: Apache-2.0
//
// Writes and reads images for outside_tools.py, which lets other programs look at them.
//
//     image_tool write REFERENCE...     one image, the same every time, to each of them
//     image_tool layer FILE             its layer alone
//     image_tool names                  what must be in it: "<path> <octal mode> <kind> <SHA-256 or link target>"
//     image_tool accepts DIRECTORY...   those of them whose files are layers that can be stacked
//     image_tool dump LAYER...          the tree of these layers, in the same form
#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/fd.h"
#include "ocilayout/decompress.h"
#include "ocilayout/layer_stack.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

/// Several members of gzip, long and odd names, hard links.
TestTree tool_tree() {
    TestTree out = small_tree();
    std::string big;
    for (unsigned i = 0; big.size() < 3'500'000; ++i) big += std::to_string(i * 2'654'435'761U) + "\n";
    out.file("/usr/share/big", big);
    const std::string component(60, 'd');
    out.file("/" + component + "/" + component + "/file", "a name that is split");
    out.file("/" + std::string(120, 'n'), "a name in a pax record");
    out.link("/" + std::string(110, 'l'), std::string(130, 't'));
    out.file("/caf\xc3\xa9", "UTF-8");
    out.file("/with space\nand newline", "");
    return out;
}

/// Newlines are written as Python's repr() does.
std::string one_line(std::string text) {
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n')) text.replace(at, 1, "\\n");
    return text;
}

void print(const FileTree& tree) {
    for (const auto& [path, entry] : tree.entries()) {
        if (path.is_root()) continue;
        std::printf("%s %04o ", one_line(std::string(path.relative())).c_str(), mode_of(entry.node));
        if (const auto* link = std::get_if<Symlink>(&entry.node)) {
            std::printf("link %s\n", one_line(link->target).c_str());
        } else if (const auto* file = std::get_if<Regular>(&entry.node)) {
            std::printf("file %s\n", file->content.digest.hex().c_str());
        } else {
            std::printf("dir -\n");
        }
    }
}

FileTree stack_layers(const std::vector<std::string>& files) {
    const TempDir dir;
    const ContentStore store(dir.path());
    LayerStack stack;
    for (const std::string& file : files) {
        const std::unique_ptr<ByteSource> source = decompressed(memory_source(read_file(file, 1U << 28U)));
        TarReader tar(*source);
        PackWriter pack = store.write_pack(sha256(file));
        stack.apply(tar, file, pack);
        drain(*source);
    }
    return stack.take_tree();
}

void print_accepted(const std::vector<std::string>& directories) {
    for (const std::string& directory : directories) {
        std::vector<std::string> files;
        for (const auto& entry : std::filesystem::directory_iterator(directory)) files.push_back(entry.path().string());
        std::sort(files.begin(), files.end());
        try {
            static_cast<void>(stack_layers(files));
            std::printf("%s\n", directory.c_str());
        } catch (const Error&) {
        }
    }
}

int run(const std::vector<std::string>& args) {
    const TempDir dir;
    const TestTree tree = tool_tree();
    if (args.at(0) == "write") {
        const FinishedImage image = image_of(tree, dir.path(), {artifact("application/vnd.smith.spec+json", "{}")});
        for (std::size_t i = 1; i < args.size(); ++i) write_image(image, parse_reference(args[i]), 2);
    } else if (args[0] == "layer") {
        std::string bytes;
        static_cast<void>(write_layer(tree.tree, Owner{}, tree.contents, append_to(bytes), 2));
        write_file_atomically(args.at(1), bytes);
    } else if (args[0] == "names") {
        print(tree.tree);
    } else if (args[0] == "dump") {
        print(stack_layers({args.begin() + 1, args.end()}));
    } else if (args[0] == "accepts") {
        print_accepted({args.begin() + 1, args.end()});
    } else {
        return 2;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& e) {
        std::cerr << "image_tool: " << e.what() << "\n";
        return 1;
    }
}
