// SPDX-License-Identifier: Apache-2.0
//
// A layer of a stranger is refused or becomes a tree; and a tree that came out is the same after it was written and
// read once more. Memory, hangs and crashes are the sanitizers' part.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "base/content_store.h"
#include "base/error.h"
#include "ocilayout/decompress.h"
#include "ocilayout/layer.h"
#include "ocilayout/layer_stack.h"
#include "ocilayout/tar_reader.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

struct Read {
    FileTree tree;
    std::shared_ptr<PackedContents> contents = std::make_shared<PackedContents>();
};

const ContentStore& store() {
    static const std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("smith-fuzz-" + std::to_string(::getpid()));
    static const ContentStore out(directory);
    static const bool registered = std::atexit([] { std::filesystem::remove_all(directory); }) == 0;
    static_cast<void>(registered);
    return out;
}

Read read_layer(std::string bytes) {
    Read out;
    const std::unique_ptr<ByteSource> source = decompressed(memory_source(std::move(bytes)));
    TarReader tar(*source);
    PackWriter pack = store().write_pack(sha256("fuzz"));
    LayerStack stack;
    stack.apply(tar, "layer", pack);
    drain(*source);
    out.contents->add(pack.finish_unnamed());
    out.tree = stack.take_tree();
    return out;
}

std::string write_layer_of(const Read& layer) {
    std::string out;
    write_tar(layer.tree, Owner{}, *layer.contents, [&](std::span<const std::byte> bytes) {
        out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    });
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Read first;
    try {
        first = read_layer(std::string(reinterpret_cast<const char*>(data), size));
    } catch (const Error&) {
        return 0;
    }
    // From here on nothing may fail: what a tree holds, a tar can hold.
    const std::string tar = write_layer_of(first);
    const Read second = read_layer(tar);
    if (dump(first.tree) != dump(second.tree) || write_layer_of(second) != tar) {
        std::cerr << dump(first.tree) << "--\n" << dump(second.tree);
        std::abort();
    }
    return 0;
}
