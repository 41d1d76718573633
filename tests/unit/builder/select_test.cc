// SPDX-License-Identifier: Apache-2.0
#include "builder/select.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/unit/elf/test_tree.h"

namespace smith::builder {
namespace {

using elf::Dir;
using elf::link;
using elf::script;
using elf::TestTree;
using elf::text;

/// The paths in a tree: "/a -> b" for a link, "/a/" for a directory that holds nothing.
std::string list(const FileTree& tree) {
    std::string out;
    for (const auto& [path, entry] : tree.entries()) {
        if (path.is_root()) continue;
        if (const Symlink* l = as_symlink(&entry)) {
            out += path.str() + " -> " + l->target + "\n";
        } else if (!is_directory(&entry)) {
            out += path.str() + "\n";
        } else if (tree.children(path).empty()) {
            out += path.str() + "/\n";
        }
    }
    return out;
}

TestTree usrmerge() {
    return {
        {"/bin", link("usr/bin")},
        {"/lib64", link("usr/lib64")},
        {"/usr/bin/cat", script("cat")},
        {"/usr/bin/[", script("test")},
        {"/usr/bin/vi", link("/etc/alternatives/vi")},
        {"/etc/alternatives/vi", link("../../usr/bin/vim.basic")},
        {"/usr/bin/vim.basic", script("vim")},
        {"/usr/lib64/libnss_dns.so.2", link("libnss_dns-2.34.so")},
        {"/usr/lib64/libnss_dns-2.34.so", text("nss")},
        {"/usr/lib64/libz.so.1", text("z")},
    };
}

TEST_CASE("a path through a link brings the link and what is really there", "[select]") {
    CHECK(list(select(usrmerge().tree, {"/bin/cat"}).tree) == "/bin -> usr/bin\n/usr/bin/cat\n");
    CHECK(list(select(usrmerge().tree, {"/lib64/libnss*"}).tree) ==
          "/lib64 -> usr/lib64\n"
          "/usr/lib64/libnss_dns-2.34.so\n"
          "/usr/lib64/libnss_dns.so.2 -> libnss_dns-2.34.so\n");
}

TEST_CASE("a chain of links is recreated link by link", "[select]") {
    CHECK(list(select(usrmerge().tree, {"bin/vi"}).tree) ==
          "/bin -> usr/bin\n"
          "/etc/alternatives/vi -> ../../usr/bin/vim.basic\n"
          "/usr/bin/vi -> /etc/alternatives/vi\n"
          "/usr/bin/vim.basic\n");
}

TEST_CASE("a name with wildcards in it can be asked for", "[select]") {
    CHECK(list(select(usrmerge().tree, {escape_glob("/usr/bin/[")}).tree) == "/usr/bin/[\n");
}

TEST_CASE("a directory comes with all below it, and with what links below it lead to", "[select]") {
    const TestTree t = {
        {"/app/conf/a", text("a")},   {"/app/empty", Dir{}},        {"/app/current", link("/opt/v2")},
        {"/app/self", link(".")},     {"/app/up", link("../app")},  {"/app/gone", link("/nowhere/at/all")},
        {"/app/loop", link("loop")},  {"/opt/v2/lib/x", text("x")}, {"/opt/v1/lib/x", text("y")},
        {"/other", text("not this")},
    };
    for (const char* pattern : {"/app", "app/", "/app/**"}) {
        CAPTURE(pattern);
        const SelectResult result = select(t.tree, {pattern});
        CHECK(list(result.tree) ==
              "/app/conf/a\n/app/current -> /opt/v2\n/app/empty/\n/app/gone -> /nowhere/at/all\n/app/loop -> loop\n"
              "/app/self -> .\n/app/up -> ../app\n/opt/v2/lib/x\n");
        CHECK(result.warnings == std::vector<std::string>{
                                     "'/app/gone' is a link to '/nowhere/at/all', which is not available",
                                     "'/app/loop' is a link that leads nowhere: the links run in a circle",
                                 });
    }
}

TEST_CASE("a link to a directory, when asked for, brings the directory", "[select]") {
    const TestTree t = {{"/jdk", link("opt/jdk-17")}, {"/opt/jdk-17/bin/java", script("java")}};
    CHECK(list(select(t.tree, {"/jdk"}).tree) == "/jdk -> opt/jdk-17\n/opt/jdk-17/bin/java\n");
}

TEST_CASE("excludes take out files, directories and what is named through a link", "[select]") {
    const TestTree t = usrmerge();
    const Excludes excludes(t.tree, {"/lib64/libnss*", "/usr/bin", "/nothing/*"});
    CHECK(excludes.unmatched() == std::vector<std::size_t>{2});
    CHECK(list(select(t.tree, {"/usr"}, excludes).tree) == "/usr/lib64/libz.so.1\n");
    CHECK(excludes(ImagePath::parse("/usr/bin/new/file")));
    CHECK_FALSE(excludes(ImagePath::parse("/usr")));
}

TEST_CASE("a link to what is excluded stays, with a warning", "[select]") {
    const TestTree t = usrmerge();
    const SelectResult result = select(t.tree, {"/usr/bin/vi"}, Excludes(t.tree, {"/usr/bin/vim*"}));
    CHECK(list(result.tree) ==
          "/etc/alternatives/vi -> ../../usr/bin/vim.basic\n/usr/bin/vi -> /etc/alternatives/vi\n");
    CHECK(result.warnings ==
          std::vector<std::string>{"'/usr/bin/vi' is a link to '/usr/bin/vim.basic', which is excluded"});
}

TEST_CASE("excludes hold for what comes by other ways, such as an overlay", "[select]") {
    const TestTree t = usrmerge();
    FileTree tree = t.tree;
    tree.put(ImagePath::parse("/etc/new/.gitignore"), {Regular{}, "overlay"});
    remove_excluded(tree, Excludes(t.tree, {"**/.gitignore", "/usr/lib64", "/usr/bin/v*", "/etc/alternatives"}));
    CHECK(list(tree) == "/bin -> usr/bin\n/etc/new/\n/lib64 -> usr/lib64\n/usr/bin/[\n/usr/bin/cat\n");
}

TEST_CASE("patterns that match nothing are all reported, with what was probably meant", "[select]") {
    const TestTree t = usrmerge();
    const SelectResult result =
        select(t.tree, {"/usr/bin/cat", "/usr/bin/cta", "/sbin/vi", "/usr/bin/v*"}, Excludes(t.tree, {"/usr/bin/v*"}));
    CHECK(result.matches == std::vector<std::size_t>{1, 0, 0, 2});
    REQUIRE(result.unmatched.size() == 3);
    CHECK(result.unmatched[0].pattern == 1);
    CHECK(result.unmatched[0].candidates == std::vector<std::string>{"/usr/bin/cat"});
    CHECK(result.unmatched[1].candidates.front() == "/etc/alternatives/vi");
    CHECK(result.unmatched[2].only_excluded);
}

TEST_CASE("a path that is added works as it does where it is from", "[select]") {
    const TestTree t = usrmerge();
    FileTree tree;
    CHECK(add_path(tree, t.tree, ImagePath::parse("/lib64/libnss_dns.so.2")));
    CHECK(list(tree) ==
          "/lib64 -> usr/lib64\n/usr/lib64/libnss_dns-2.34.so\n/usr/lib64/libnss_dns.so.2 -> libnss_dns-2.34.so\n");
    CHECK_FALSE(add_path(tree, t.tree, ImagePath::parse("/lib64/libgone.so")));
    CHECK(tree.find(ImagePath::parse("/usr/lib64/libz.so.1")) == nullptr);
}

TEST_CASE("libraries are added with the links that lead to them", "[select]") {
    TestTree t;
    t.add("/lib64", link("usr/lib64"));
    t.add("/usr/lib64/ld-linux-x86-64.so.2", elf::elf());
    t.add("/usr/lib64/libz.so.1", link("libz.so.1.2"));
    t.add("/usr/lib64/libz.so.1.2", elf::elf());
    t.add("/usr/lib64/unused.so", elf::elf());
    t.add("/short", link("opt/deep/er"));
    t.add("/opt/deep/er/x", text(""));
    t.add("/opt/deep/lib/liby.so", elf::elf());
    t.add("/app/tool", elf::program().needs("libz.so.1").needs("liby.so").runpath("/short/../lib"));
    FileTree chosen = t.only({"/app/tool"});
    add_libraries(chosen, t.tree, elf::close_over_libraries(chosen, t.tree, t.contents));
    CHECK(list(chosen) ==
          "/app/tool\n/lib64 -> usr/lib64\n/opt/deep/er/\n/opt/deep/lib/liby.so\n/short -> opt/deep/er\n"
          "/usr/lib64/ld-linux-x86-64.so.2\n/usr/lib64/libz.so.1 -> libz.so.1.2\n/usr/lib64/libz.so.1.2\n");
    // Closed means closed: within itself, the image has all it needs, by the same reasons.
    const elf::Closure again = elf::close_over_libraries(chosen, chosen, t.contents);
    CHECK(again.missing.empty());
}

TEST_CASE("a package's own executables are what is in its bin and sbin", "[select]") {
    TestTree t;
    t.add("/usr/bin/a", script("a"));
    t.add("/usr/bin/b", link("../lib/b"));
    t.add("/usr/bin/data", text("not executable"));
    t.add("/usr/bin/gone", link("nowhere"));
    t.add("/usr/lib/b", script("b"));
    t.add("/usr/lib/pg/15/bin/postgres", script("pg"));
    t.add("/usr/sbin/d", script("d"));
    t.tree.put(ImagePath::parse("/usr/sbin/other"), {*as_regular(t.tree.find(ImagePath::parse("/usr/sbin/d"))), "dep"});
    std::string out;
    for (const ImagePath& path : executables_of(t.tree, {"test"})) out += path.str() + " ";
    CHECK(out == "/usr/bin/a /usr/bin/b /usr/lib/pg/15/bin/postgres /usr/sbin/d ");
}

}  // namespace
}  // namespace smith::builder
