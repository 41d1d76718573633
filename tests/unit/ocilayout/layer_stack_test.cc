// SPDX-License-Identifier: Apache-2.0
//
// Layers on layers, as containerd unpacks them. The rules: image-spec layer.md, and docs/image-format.md.
#include "ocilayout/layer_stack.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

struct Stacked {
    std::string dump;
    std::vector<std::string> warnings;
    std::optional<Owner> owner;
};

Stacked stack_all(const std::vector<RawTar>& layers) {
    const TempDir dir;
    const ContentStore store(dir.path());
    LayerStack stack;
    for (const RawTar& layer : layers) {
        const std::unique_ptr<ByteSource> source = memory_source(layer.end());
        TarReader reader(*source);
        PackWriter pack = store.write_pack(sha256(layer.bytes));
        stack.apply(reader, "layer", pack);
    }
    return {dump(stack.tree()), stack.warnings(), stack.owner()};
}

/// One line an entry: name and kind, without digests.
std::string stack_of(const std::vector<RawTar>& layers) {
    std::string out;
    std::string all = stack_all(layers).dump;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = all.find('\n', at);
        std::string line = all.substr(at, end - at);
        if (const std::size_t file = line.find("  file"); file != std::string::npos) line.resize(file);
        out += line + "\n";
        at = end + 1;
    }
    return out;
}

}  // namespace

TEST_CASE("a file of a higher layer takes the place of a lower one", "[layer_stack]") {
    const std::string one = stack_all({RawTar().file("etc/a", "new")}).dump;
    CHECK(stack_all({RawTar().file("etc/a", "old"), RawTar().file("etc/a", "new")}).dump == one);
    CHECK(stack_all({RawTar().file("etc/a", "old").file("./etc//a", "new")}).dump == one);
}

TEST_CASE("directories of two layers are one", "[layer_stack]") {
    CHECK(stack_of({RawTar().dir("d").file("d/a"), RawTar().dir("d").file("d/b")}) == "/d  dir\n/d/a\n/d/b\n");
}

TEST_CASE("a file takes the place of a directory with all that is in it", "[layer_stack]") {
    CHECK(stack_of({RawTar().file("d/a"), RawTar().file("d")}) == "/d\n");
    CHECK(stack_of({RawTar().file("d/a"), RawTar().link("d", "x")}) == "/d  link x\n");
    CHECK(stack_of({RawTar().link("d", "x"), RawTar().dir("d").file("d/a")}) == "/d  dir\n/d/a\n");
}

TEST_CASE("a whiteout hides what lower layers brought", "[layer_stack]") {
    CHECK(stack_of({RawTar().file("d/a").file("d/b"), RawTar().file("d/.wh.a", "")}) == "/d  dir\n/d/b\n");
    CHECK(stack_of({RawTar().file("d/a/x").file("d/b"), RawTar().file("d/.wh.a", "")}) == "/d  dir\n/d/b\n");
    CHECK(stack_of({RawTar().file("d/b"), RawTar().file("d/.wh.nothing", "")}) == "/d  dir\n/d/b\n");
}

TEST_CASE("a whiteout spares its own layer, wherever it stands in it", "[layer_stack]") {
    CHECK(stack_of({RawTar().file("d/a"), RawTar().file("d/a").file("d/.wh.a", "")}) == "/d  dir\n/d/a\n");
    CHECK(stack_of({RawTar().file("d/a"), RawTar().file("d/.wh.a", "").file("d/a")}) == "/d  dir\n/d/a\n");
    CHECK(stack_of({RawTar().file("d/a/x").file("d/a/y"), RawTar().file("d/a/x").file("d/.wh.a", "")}) ==
          "/d  dir\n/d/a  dir\n/d/a/x\n");
}

TEST_CASE("an opaque directory keeps only what its own layer brings", "[layer_stack]") {
    const RawTar lower = RawTar().file("d/a").file("d/sub/b").file("e");
    CHECK(stack_of({lower, RawTar().file("d/.wh..wh..opq", "")}) == "/d  dir\n/e\n");
    CHECK(stack_of({lower, RawTar().file("d/c").file("d/.wh..wh..opq", "")}) == "/d  dir\n/d/c\n/e\n");
    CHECK(stack_of({lower, RawTar().file(".wh..wh..opq", "").file("f")}) == "/f\n");
    CHECK(stack_of({lower, RawTar().file("nowhere/.wh..wh..opq", "")}) == "/d  dir\n/d/a\n/d/sub  dir\n/d/sub/b\n/e\n");
}

TEST_CASE("aufs' own files are no files", "[layer_stack]") {
    CHECK(stack_of({RawTar().file(".wh..wh.aufs", "").dir(".wh..wh.plnk").file("a")}) == "/a\n");
}

TEST_CASE("hard links become the file they lead to, across layers too", "[layer_stack]") {
    CHECK(stack_all({RawTar().file("a", "x").hard_link("b", "a")}).dump ==
          stack_all({RawTar().file("a", "x").file("b", "x")}).dump);
    CHECK(stack_all({RawTar().file("a", "x"), RawTar().hard_link("b", "/a")}).dump ==
          stack_all({RawTar().file("a", "x").file("b", "x")}).dump);
    CHECK(stack_of({RawTar().link("a", "t").hard_link("b", "./a")}) == "/a  link t\n/b  link t\n");
    // A chain: each link is made when it comes.
    RawTar chain;
    chain.file("f0", "x");
    for (int i = 1; i < 2000; ++i) chain.hard_link("f" + std::to_string(i), "f" + std::to_string(i - 1));
    CHECK(stack_all({chain}).warnings.empty());
}

TEST_CASE("links in the way of a name are followed inside the tree", "[layer_stack]") {
    const RawTar lower = RawTar().dir("usr/lib").link("lib", "usr/lib").link("up", "../../../usr").link("abs", "/usr");
    CHECK(stack_of({lower, RawTar().file("lib/a").file("up/b").file("abs/c")}) ==
          "/abs  link /usr\n/lib  link usr/lib\n/up  link ../../../usr\n/usr  dir\n/usr/b\n/usr/c\n/usr/lib  dir\n"
          "/usr/lib/a\n");
}

TEST_CASE("nothing can be done to a canary outside through a link", "[layer_stack]") {
    // What a runtime would find at /canary on the host is a name in the tree here, whatever is tried.
    const RawTar link = RawTar().link("etc", "/canary");
    CHECK(stack_of({link, RawTar().file("etc/f")}) == "/canary  dir\n/canary/f\n/etc  link /canary\n");
    CHECK(stack_of({link, RawTar().dir("etc/d")}) == "/canary  dir\n/canary/d  dir\n/etc  link /canary\n");
    CHECK(stack_of({link, RawTar().link("etc/l", "x")}) == "/canary  dir\n/canary/l  link x\n/etc  link /canary\n");
    CHECK(stack_of({link, RawTar().file("f").hard_link("etc/h", "f")}) ==
          "/canary  dir\n/canary/h\n/etc  link /canary\n/f\n");
    CHECK(stack_of({link, RawTar().file("etc/.wh.f", "")}) == "/etc  link /canary\n");
    CHECK(stack_of({link, RawTar().file("etc/.wh..wh..opq", "")}) == "/etc  link /canary\n");
    CHECK(stack_of({link, RawTar().add({"etc/dev", '3'})}) == "/canary  dir\n/etc  link /canary\n");
    CHECK(stack_of({link, RawTar().dir("etc")}) == "/etc  dir\n");
    CHECK_THROWS_AS(stack_of({link, RawTar().hard_link("h", "etc/shadow")}), Error);
}

TEST_CASE("absolute names are names in the image", "[layer_stack]") {
    CHECK(stack_of({RawTar().dir("/").dir("./").file("/etc/a").file("//b")}) == "/b\n/etc  dir\n/etc/a\n");
}

TEST_CASE("what a tree can't hold is told, and left out", "[layer_stack]") {
    RawTar raw;
    raw.add({"dev/null", '3'}).add({"dev/sda", '4'}).add({"run/pipe", '6'});
    raw.add({"bin/su", '0', "", 04755}, "x");
    raw.pax("39 SCHILY.xattr.security.capability=\x01\x02\n").file("bin/ping");
    const Stacked out = stack_all({raw});
    CHECK(out.warnings == std::vector<std::string>{"'/dev/null' is a character device, ignoring",
                                                   "'/dev/sda' is a block device, ignoring",
                                                   "'/run/pipe' is a fifo, ignoring",
                                                   "'/bin/su' has the setuid or setgid bit, ignoring the bit",
                                                   "'/bin/ping' has file capabilities, ignoring them"});
    CHECK(stack_of({raw}) == "/bin  dir\n/bin/ping\n/bin/su\n/dev  dir\n/run  dir\n");
}

TEST_CASE("a device hides the file that had its name", "[layer_stack]") {
    CHECK(stack_of({RawTar().file("a").file("b"), RawTar().add({"a", '3'})}) == "/b\n");
}

TEST_CASE("an owner is told when it is the only one", "[layer_stack]") {
    CHECK(stack_all({RawTar().add({"a", '0', "", 0644, 5})}).owner == Owner{5, 5});
    CHECK_FALSE(stack_all({RawTar().add({"a", '0', "", 0644, 5}).file("b")}).owner);
}
