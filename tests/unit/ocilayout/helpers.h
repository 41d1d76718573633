// SPDX-License-Identifier: Apache-2.0
//
// Small trees and tars for the tests of this module.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/contents.h"
#include "base/fd.h"
#include "base/file_tree.h"
#include "ocilayout/layer_cache.h"
#include "ocilayout/write_image.h"

namespace smith::ocilayout {

/// A tree with its contents.
struct TestTree {
    FileTree tree;
    MemoryContents contents;

    TestTree& dir(std::string_view path) { return put(path, Directory{}); }
    TestTree& link(std::string_view path, std::string target) { return put(path, Symlink{std::move(target)}); }
    TestTree& file(std::string_view path, std::string bytes) {
        return put(path, Regular{false, contents.put(std::move(bytes))});
    }
    TestTree& program(std::string_view path, std::string bytes) {
        return put(path, Regular{true, contents.put(std::move(bytes))});
    }

private:
    TestTree& put(std::string_view path, Node node) {
        tree.put(ImagePath::parse(path), Entry{std::move(node), "test"});
        return *this;
    }
};

/// What a microcontainer looks like, in small.
inline TestTree small_tree() {
    TestTree out;
    for (const char* dir : {"/dev", "/proc", "/read", "/run", "/sys", "/write"}) out.dir(dir);
    out.program("/usr/bin/cat",
                "\x7f"
                "ELF, let us say");
    out.link("/bin", "usr/bin");
    out.file("/etc/passwd", "smith:x:10:10::/write:\n");
    out.file("/etc/empty", "");
    out.file("/usr/share/copy-1", "the same bytes");
    out.file("/usr/share/copy-2", "the same bytes");
    out.program("/usr/share/copy-3", "the same bytes");
    return out;
}

inline Sink append_to(std::string& out) {
    return [&out](std::span<const std::byte> bytes) {
        out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
}

/// A tar of a stranger: header fields as they are given, valid checksum.
class RawTar {
public:
    struct Fields {
        std::string name;
        char type = '0';
        std::string link;
        unsigned mode = 0644;
        unsigned uid = 0;
    };

    RawTar& add(const Fields& fields, std::string_view data = "") {
        std::array<char, 512> block{};
        const auto put = [&](std::size_t at, std::string_view text) { text.copy(block.data() + at, text.size()); };
        const auto octal = [](unsigned long value, int digits) {
            std::array<char, 32> text{};
            std::snprintf(text.data(), text.size(), "%0*lo", digits, value);
            return std::string(text.data());
        };
        put(0, fields.name);
        put(100, octal(fields.mode, 7));
        put(108, octal(fields.uid, 7));
        put(116, octal(fields.uid, 7));
        put(124, octal(data.size(), 11));
        put(136, octal(0, 11));
        block[156] = fields.type;
        put(157, fields.link);
        put(257, std::string_view("ustar\00000", 8));
        put(148, "        ");
        unsigned long sum = 0;
        for (const char c : block) sum += static_cast<unsigned char>(c);
        put(148, octal(sum, 6) + std::string("\0 ", 2));
        bytes.append(block.data(), block.size());
        bytes += data;
        bytes.append((512 - data.size() % 512) % 512, '\0');
        return *this;
    }
    RawTar& dir(std::string name) { return add({std::move(name), '5', "", 0755}); }
    RawTar& file(std::string name, std::string_view data = "x") { return add({std::move(name)}, data); }
    RawTar& link(std::string name, std::string target) { return add({std::move(name), '2', std::move(target)}); }
    RawTar& hard_link(std::string name, std::string target) { return add({std::move(name), '1', std::move(target)}); }
    RawTar& pax(std::string_view records) { return add({"pax", 'x'}, records); }

    [[nodiscard]] std::string end() const { return bytes + std::string(1024, '\0'); }

    std::string bytes;
};

/// An image of `tree`, its layer in a cache below `directory`.
inline FinishedImage image_of(const TestTree& tree, const std::filesystem::path& directory,
                              std::vector<Artifact> artifacts = {}) {
    const StoredLayer stored = LayerCache(directory / "layers").store(tree.tree, Owner{}, tree.contents, 2);
    ImageConfig config;
    config.platform = {"linux", "amd64", ""};
    config.user = "10:10";
    config.entrypoint = {"/usr/bin/cat"};
    config.cmd = {"/read/data"};
    return {make_image(config, std::vector{stored.layer}), {stored}, std::move(artifacts)};
}

/// Into a layout directory, and into an archive.
inline void write_layout(const FinishedImage& image, const std::filesystem::path& directory, const std::string& tag) {
    write_image(image, {Transport::oci, directory, tag, {}}, 2);
}
inline void write_archive(const FinishedImage& image, const std::filesystem::path& file, const std::string& tag,
                          unsigned jobs) {
    write_image(image, {Transport::oci_archive, file, tag, {}}, jobs);
}

inline Artifact artifact(std::string type, std::string bytes) { return {type, type, std::move(bytes), {}}; }

}  // namespace smith::ocilayout
