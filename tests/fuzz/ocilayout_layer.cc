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

/// The right checksum for whatever looks like a header: a mutation would not get past it otherwise.
std::string with_checksums(std::string bytes) {
    for (std::size_t at = 0; at + 512 <= bytes.size(); at += 512) {
        if (bytes.compare(at + 257, 5, "ustar") != 0) continue;
        bytes.replace(at + 148, 8, 8, ' ');
        unsigned sum = 0;
        for (std::size_t i = at; i < at + 512; ++i) sum += static_cast<unsigned char>(bytes[i]);
        for (std::size_t digit = 6; digit-- > 0; sum /= 8) bytes[at + 148 + digit] = static_cast<char>('0' + sum % 8);
        bytes[at + 154] = '\0';
    }
    return bytes;
}

void check(std::string bytes) {
    Read first;
    try {
        first = read_layer(std::move(bytes));
    } catch (const Error&) {
        return;
    }
    // From here on nothing may fail: what a tree holds, a tar can hold.
    const std::string tar = write_layer_of(first);
    const Read second = read_layer(tar);
    if (dump(first.tree) != dump(second.tree) || write_layer_of(second) != tar) {
        std::cerr << dump(first.tree) << "--\n" << dump(second.tree);
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    check(bytes);
    check(with_checksums(bytes));
    return 0;
}
