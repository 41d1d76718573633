// SPDX-License-Identifier: Apache-2.0
#include "base/file_tree.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace smith;

namespace {

ImagePath at(std::string_view text) { return ImagePath::parse(text); }

Entry file(std::string_view text) { return {Regular{false, {sha256(text), text.size()}}, "test"}; }
Entry link(std::string target) { return {Symlink{std::move(target)}, "test"}; }
Entry directory() { return {Directory{}, "test"}; }

/// What `path` leads to in `tree`, links followed; "-" when that does not exist.
std::string end_of(const FileTree& tree, std::string_view path) {
    const Resolution found = tree.resolve(at(path));
    return found.entry == nullptr ? "-" : found.path.str();
}

}  // namespace

TEST_CASE("parents come into being with what they hold", "[file_tree]") {
    FileTree tree;
    tree.put(at("/usr/bin/cat"), file("cat"));
    CHECK(dump(tree) == "/usr  dir\n/usr/bin  dir\n/usr/bin/cat  file 0644 " + sha256("cat").hex().substr(0, 8) + "\n");
}

TEST_CASE("nothing can be put below a file or a link", "[file_tree]") {
    FileTree tree;
    tree.put(at("/etc"), link("/canary"));
    tree.put(at("/f"), file("f"));
    CHECK_THROWS_AS(tree.put(at("/etc/passwd"), file("x")), Error);
    CHECK_THROWS_AS(tree.put(at("/f/g/h"), file("x")), Error);
    CHECK(tree.size() == 2);
}

TEST_CASE("a directory that holds something can't become a link", "[file_tree]") {
    FileTree tree;
    tree.put(at("/lib/x"), file("x"));
    tree.put(at("/lib-y"), file("y"));
    CHECK_THROWS_AS(tree.put(at("/lib"), link("usr/lib")), Error);
    CHECK_THROWS_AS(tree.put(at("/"), link("usr")), Error);
    tree.erase(at("/lib/x"));
    tree.put(at("/lib"), link("usr/lib"));
    CHECK(as_symlink(tree.find(at("/lib"))) != nullptr);
}

TEST_CASE("a link without a target is not a link", "[file_tree]") {
    FileTree tree;
    CHECK_THROWS_AS(tree.put(at("/l"), link("")), Error);
    CHECK_THROWS_AS(tree.put(at("/l"), link(std::string("a\0b", 3))), Error);
}

TEST_CASE("entries stand in byte order, a directory before what it holds", "[file_tree]") {
    FileTree tree;
    for (const char* path : {"/a/b", "/a-b", "/a", "/B", "/a.b"}) {
        if (std::string_view(path) != "/a") tree.put(at(path), file(path));
    }
    std::string order;
    for (const auto& [path, entry] : tree.entries()) order += path.str() + " ";
    CHECK(order == "/ /B /a /a-b /a.b /a/b ");
}

TEST_CASE("children are those of this directory only", "[file_tree]") {
    FileTree tree;
    for (const char* path : {"/a/x/deep", "/a/y", "/a-b", "/a.b/z", "/a0", "/a/x-1"}) tree.put(at(path), file(path));
    CHECK(tree.children(at("/a")) == std::vector<ImagePath>{at("/a/x"), at("/a/x-1"), at("/a/y")});
    CHECK(tree.children(at("/")) == std::vector<ImagePath>{at("/a"), at("/a-b"), at("/a.b"), at("/a0")});
    CHECK(tree.children(at("/a-b")).empty());
    CHECK(tree.children(at("/nothing")).empty());
}

TEST_CASE("names of the greatest length are names like others", "[file_tree]") {
    const std::string longest(255, 'x');
    FileTree tree;
    tree.put(at("/" + longest + "/a/b"), file("x"));
    CHECK(tree.children(at("/")).size() == 1);
    CHECK(tree.children(at("/" + longest)).size() == 1);
    std::string deepest;
    while (deepest.size() + 256 <= 4095) deepest += "/" + longest;
    tree.put(at(deepest), file("x"));
    CHECK(tree.children(at(deepest)).empty());
    tree.erase(at("/" + longest));
    CHECK(tree.size() == 0);
}

TEST_CASE("erasing a directory takes what it holds, and nothing else", "[file_tree]") {
    FileTree tree;
    for (const char* path : {"/a/x/deep", "/a-b", "/a0"}) tree.put(at(path), file(path));
    tree.erase(at("/a"));
    CHECK(tree.children(at("/")) == std::vector<ImagePath>{at("/a-b"), at("/a0")});
    tree.erase(at("/"));
    CHECK(tree.size() == 0);
    CHECK(tree.contains(at("/")));
}

TEST_CASE("links are followed as the kernel follows them", "[file_tree]") {
    FileTree tree;
    tree.put(at("/usr/lib64/libc.so.6"), link("libc-2.36.so"));
    tree.put(at("/usr/lib64/libc-2.36.so"), file("c"));
    tree.put(at("/lib64"), link("usr/lib64"));
    tree.put(at("/opt/app/lib"), link("../../lib64/."));
    tree.put(at("/escape"), link("../../../usr"));

    CHECK(end_of(tree, "/lib64/libc.so.6") == "/usr/lib64/libc-2.36.so");
    CHECK(end_of(tree, "/opt/app/lib/libc.so.6") == "/usr/lib64/libc-2.36.so");
    CHECK(end_of(tree, "/escape/lib64/libc-2.36.so") == "/usr/lib64/libc-2.36.so");
    CHECK(end_of(tree, "/lib64/nothing") == "-");
    CHECK(tree.resolve(at("/lib64/nothing/at/all")).path.str() == "/usr/lib64/nothing/at/all");

    const Resolution found = tree.resolve(at("/opt/app/lib/libc.so.6"));
    CHECK(found.links == std::vector<ImagePath>{at("/opt/app/lib"), at("/lib64"), at("/usr/lib64/libc.so.6")});
}

TEST_CASE("'..' after a link is the parent of where the link leads", "[file_tree]") {
    FileTree tree;
    tree.put(at("/a/b/c"), directory());
    tree.put(at("/a/b/file"), file("x"));
    tree.put(at("/short"), link("a/b/c"));
    tree.put(at("/up"), link("short/../file"));
    CHECK(end_of(tree, "/up") == "/a/b/file");
}

TEST_CASE("the last link can be kept", "[file_tree]") {
    FileTree tree;
    tree.put(at("/d"), link("e"));
    tree.put(at("/e/l"), link("t"));
    const Resolution found = tree.resolve(at("/d/l"), LastLink::keep);
    CHECK(found.path == at("/e/l"));
    CHECK(as_symlink(found.entry) != nullptr);
}

TEST_CASE("links that run in a circle lead nowhere", "[file_tree]") {
    FileTree tree;
    tree.put(at("/a"), link("b"));
    tree.put(at("/b"), link("a"));
    tree.put(at("/deep"), link("deep/deep"));
    CHECK(tree.resolve(at("/a/x")).too_many_links);
    CHECK(tree.resolve(at("/a/x")).entry == nullptr);
    CHECK(tree.resolve(at("/deep")).too_many_links);
}

TEST_CASE("a file has no entries in it, whatever the spelling", "[file_tree]") {
    FileTree tree;
    tree.put(at("/f"), file("f"));
    tree.put(at("/l"), link("f/../f"));
    CHECK(end_of(tree, "/f/x") == "-");
}

TEST_CASE("'..' leads nowhere from what is not there, or is no directory", "[file_tree]") {
    FileTree tree;
    tree.put(at("/f"), file("f"));
    tree.put(at("/d/g"), file("g"));
    tree.put(at("/past-file"), link("f/../d/g"));
    tree.put(at("/past-nothing"), link("nothing/../d/g"));
    tree.put(at("/past-directory"), link("d/../d/g"));
    CHECK(end_of(tree, "/past-file") == "-");
    CHECK(end_of(tree, "/past-nothing") == "-");
    CHECK(end_of(tree, "/past-directory") == "/d/g");
}

TEST_CASE("a link may hold data that is no path", "[file_tree]") {
    FileTree tree;
    tree.put(at("/lock"), link("user@host:" + std::string(300, '7')));
    CHECK(end_of(tree, "/lock") == "-");
    CHECK(end_of(tree, "/lock/below") == "-");
    // Each of these is a path that the kernel takes; all together lead to a place that has no name.
    std::string deep;
    while (deep.size() < 3500) deep += "/" + std::string(100, 'd');
    tree.put(at(deep + "/l"), link(deep.substr(1) + "/x"));
    CHECK(end_of(tree, deep + "/l") == "-");
    CHECK_THROWS_AS(tree.put(at("/long"), link(std::string(4096, 'x'))), Error);
}

TEST_CASE("there is room where nothing but directories stands above", "[file_tree]") {
    FileTree tree;
    tree.put(at("/d/f"), file("f"));
    tree.put(at("/l"), link("d"));
    CHECK(tree.has_room_for(at("/d/new/deep")));
    CHECK(tree.has_room_for(at("/x")));
    CHECK(tree.has_room_for(at("/")));
    CHECK_FALSE(tree.has_room_for(at("/d/f/x/y")));
    CHECK_FALSE(tree.has_room_for(at("/l/x")));
}
