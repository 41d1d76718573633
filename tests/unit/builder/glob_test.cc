// SPDX-License-Identifier: Apache-2.0
#include "builder/glob.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace smith::builder {
namespace {

bool matches(std::string_view pattern, std::string_view path) { return Glob(pattern).matches(ImagePath::parse(path)); }

FileTree tree_of(std::initializer_list<const char*> files) {
    FileTree out;
    for (const char* file : files) out.put(ImagePath::parse(file), {Regular{}, "test"});
    return out;
}

void put_link(FileTree& tree, const char* path, const char* target) {
    tree.put(ImagePath::parse(path), {Symlink{target}, "test"});
}

std::string join(const std::vector<ImagePath>& paths) {
    std::string out;
    for (const ImagePath& path : paths) out += (out.empty() ? "" : " ") + path.str();
    return out;
}

TEST_CASE("a star stays within a name and takes a leading dot", "[glob]") {
    CHECK(matches("/etc/*.conf", "/etc/a.conf"));
    CHECK(matches("/etc/*", "/etc/.hidden"));
    CHECK(matches("/etc/*", "/etc/*"));
    CHECK_FALSE(matches("/etc/*", "/etc/a/b"));
    CHECK_FALSE(matches("/etc/*", "/etc"));
    CHECK(matches("/lib*/libnss*", "/lib64/libnss_dns.so.2"));
    CHECK(matches("/a*b*c", "/aXbYbZc"));
    CHECK_FALSE(matches("/a*b*c", "/aXbYbZ"));
}

TEST_CASE("a question mark is one byte", "[glob]") {
    CHECK(matches("/lib?.so", "/libz.so"));
    CHECK_FALSE(matches("/lib?.so", "/lib.so"));
    CHECK_FALSE(matches("/?", "/\xc3\xa9"));
    CHECK(matches("/??", "/\xc3\xa9"));
}

TEST_CASE("sets have ranges, negation and a ']' in front", "[glob]") {
    CHECK(matches("/[a-c]x", "/bx"));
    CHECK_FALSE(matches("/[a-c]x", "/dx"));
    CHECK(matches("/[!a-c]x", "/dx"));
    CHECK(matches("/[^a-c]x", "/dx"));
    CHECK(matches("/[]a]", "/]"));
    CHECK_FALSE(matches("/[!]a]", "/]"));
    CHECK(matches("/[a-]", "/-"));
    CHECK(matches("/[\\]]", "/]"));
    CHECK(matches("/[\x80-\xff]", "/\xc3"));
    CHECK_FALSE(matches("/[z-a]", "/m"));
}

TEST_CASE("a backslash takes the meaning away", "[glob]") {
    CHECK(matches("/usr/bin/\\[", "/usr/bin/["));
    CHECK_FALSE(matches("/a\\*", "/ab"));
    CHECK(matches(escape_glob("/usr/bin/[*?\\"), "/usr/bin/[*?\\"));
    CHECK(Glob(escape_glob("/usr/bin/[")).is_literal());
    CHECK_FALSE(Glob("/usr/bin/*").is_literal());
}

TEST_CASE("two stars span any number of directories", "[glob]") {
    CHECK(matches("/a/**/b", "/a/b"));
    CHECK(matches("/a/**/b", "/a/x/y/b"));
    CHECK(matches("/a/**", "/a/x/y"));
    CHECK_FALSE(matches("/a/**", "/a"));
    CHECK(matches("**", "/a"));
    CHECK(matches("/**/**/a", "/a"));
    CHECK_FALSE(matches("/a/**/b", "/a/x/y/c"));
}

TEST_CASE("relative patterns, doubled and trailing slashes mean the same place", "[glob]") {
    for (const char* pattern : {"etc/x", "/etc/x", "//etc///x/", "./etc/./x"}) CHECK(matches(pattern, "/etc/x"));
}

TEST_CASE("what is no pattern is refused, and says why", "[glob]") {
    CHECK_THROWS_WITH(Glob(""), "pattern '' is empty");
    CHECK_THROWS_WITH(Glob("/a/../b"), "pattern '/a/../b' has a '..'; write where it leads to");
    CHECK_THROWS_WITH(Glob("/a[b"), "pattern '/a[b' has a '[' without its ']'");
    CHECK_THROWS_WITH(Glob("/a[b/c]"), "pattern '/a[b/c]' has a '[' without its ']'");
    CHECK_THROWS_WITH(Glob("/a\\"), "pattern '/a\\' ends a name with '\\'");
    CHECK_NOTHROW(Glob("/a\\\\[b]"));
    CHECK_THROWS_AS(Glob("/a\\\\[b"), Error);
    CHECK_THROWS_AS(Glob(std::string("/a\0b", 4)), Error);
}

TEST_CASE("a hostile pattern takes polynomial time", "[glob]") {
    std::string pattern = "/";
    for (int i = 0; i < 100; ++i) pattern += "a*";
    CHECK_FALSE(matches(pattern + "b", "/" + std::string(200, 'a')));
    std::string deep;
    std::string stars;
    for (int i = 0; i < 300; ++i) deep += "/a";
    for (int i = 0; i < 300; ++i) stars += "/**/a";
    CHECK_FALSE(matches(stars + "/b", deep));
    FileTree tree = tree_of({"/a/x"});
    for (const char* link : {"/a/1", "/a/2", "/a/3", "/a/4"}) put_link(tree, link, ".");
    std::string circle = "/a";
    for (int i = 0; i < 100; ++i) circle += "/*";
    CHECK(find_matches(tree, Glob(circle)).paths.size() == 5);
}

TEST_CASE("matches are found through links to directories, which are told of", "[glob]") {
    FileTree tree = tree_of({"/usr/lib64/libnss_dns.so.2", "/usr/lib64/libc.so.6", "/usr/bin/cat", "/opt/bin/x"});
    put_link(tree, "/lib64", "usr/lib64");
    put_link(tree, "/bin", "alt");
    put_link(tree, "/alt", "usr/bin");
    put_link(tree, "/nowhere", "gone");
    const GlobMatches nss = find_matches(tree, Glob("/lib64/libnss*"));
    CHECK(join(nss.paths) == "/usr/lib64/libnss_dns.so.2");
    CHECK(join(nss.links) == "/lib64");
    const GlobMatches cat = find_matches(tree, Glob("/*/cat"));
    CHECK(join(cat.paths) == "/usr/bin/cat");
    CHECK(join(cat.links) == "/alt /bin");
    CHECK(join(find_matches(tree, Glob("/**/x")).paths) == "/opt/bin/x");
    CHECK(join(find_matches(tree, Glob("/lib64")).paths) == "/lib64");
}

TEST_CASE("an escaped dot is a name, and no way to anywhere", "[glob]") {
    const FileTree tree = tree_of({"/a/b/c"});
    for (const char* pattern : {"/**/\\.", "/a/\\.", "/a/b/\\.\\.", "/a/\\../b"}) {
        INFO(pattern);
        CHECK(find_matches(tree, Glob(pattern)).paths.empty());
    }
}

TEST_CASE("two stars find all below a directory, but do not go through links", "[glob]") {
    FileTree tree = tree_of({"/a/b/c", "/a/d"});
    put_link(tree, "/a/b/up", "../..");
    CHECK(join(find_matches(tree, Glob("/a/**")).paths) == "/a/b /a/b/c /a/b/up /a/d");
    CHECK(join(find_matches(tree, Glob("/**/c")).paths) == "/a/b/c");
    CHECK(join(find_matches(tree, Glob("/")).paths) == "/");
}

TEST_CASE("a path that matches nothing gets suggestions", "[glob]") {
    const FileTree tree =
        tree_of({"/usr/sbin/nginx", "/usr/share/doc/nginx/README", "/usr/lib64/libz.so.1.2", "/etc/nginx/nginx.conf"});
    const auto suggest = [&](const char* pattern) {
        std::string out;
        for (const std::string& path : suggest_paths(tree, Glob(pattern))) out += path + " ";
        return out;
    };
    CHECK(suggest("/usr/bin/nginx").starts_with("/usr/sbin/nginx "));
    CHECK(suggest("/usr/sbin/ngnix") == "/usr/sbin/nginx ");
    CHECK(suggest("/etc/ngin/*.conf").starts_with("/etc/nginx/nginx.conf "));
    CHECK(suggest("/usr/lib64/libz.so.1.3") == "/usr/lib64/libz.so.1.2 ");
    CHECK(suggest("/opt/none/whatever").empty());
    CHECK(suggest("/").empty());
}

}  // namespace
}  // namespace smith::builder
