// SPDX-License-Identifier: Apache-2.0
#include "builder/package_tree.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <random>

#include "base/error.h"

using namespace smith;
using namespace smith::builder;
using resolver::RpmFile;
using resolver::RpmFileKind;

namespace {

ImagePath at(std::string_view text) { return ImagePath::parse(text); }

/// A package put together file by file.
class Package {
public:
    explicit Package(std::string name) { files_.name = std::move(name); }

    Package& file(std::string_view path, std::string_view text, unsigned mode = 0644, std::uint32_t color = 0) {
        RpmFile out = made(path, RpmFileKind::regular, mode);
        out.color = color;
        out.size = text.size();
        return add(std::move(out), Content{sha256(text), text.size()});
    }
    Package& link(std::string_view path, std::string target) {
        RpmFile out = made(path, RpmFileKind::symlink, 0777);
        out.link_target = std::move(target);
        return add(std::move(out), std::nullopt);
    }
    Package& directory(std::string_view path) { return add(made(path, RpmFileKind::directory, 0755), std::nullopt); }
    Package& special(std::string_view path, RpmFileKind kind) { return add(made(path, kind, 0666), std::nullopt); }
    Package& ghost(std::string_view path) {
        RpmFile out = made(path, RpmFileKind::regular, 0644);
        out.ghost = true;
        return add(std::move(out), std::nullopt);
    }
    Package& capabilities(std::string text) {
        files_.files.back().capabilities = std::move(text);
        return *this;
    }

    [[nodiscard]] const PackageFiles& files() const { return files_; }

private:
    static RpmFile made(std::string_view path, RpmFileKind kind, unsigned mode) {
        RpmFile out;
        out.path = at(path);
        out.kind = kind;
        out.mode = mode;
        return out;
    }
    Package& add(RpmFile file, std::optional<Content> content) {
        files_.files.push_back(std::move(file));
        files_.contents.push_back(content);
        return *this;
    }
    PackageFiles files_;
};

/// The merged tree; the same in every order of the packages, or the test fails.
MergedPackages merge(const std::vector<Package>& packages) {
    std::vector<PackageFiles> list;
    for (const Package& package : packages) list.push_back(package.files());
    MergedPackages out = merge_packages(list);
    for (std::size_t i = 1; i < list.size(); ++i) {
        std::rotate(list.begin(), list.begin() + 1, list.end());
        const MergedPackages again = merge_packages(list);
        CHECK(again.tree == out.tree);
        CHECK(again.notes == out.notes);
    }
    return out;
}

std::string conflict(const std::vector<Package>& packages) {
    try {
        static_cast<void>(merge(packages));
    } catch (const Error& e) {
        CHECK(e.kind() == ErrorKind::resolve);
        return e.message();
    }
    return "no conflict";
}

std::string hash(std::string_view text) { return sha256(text).hex().substr(0, 8); }

}  // namespace

TEST_CASE("a file below a directory that another package makes a link lands where the link points", "[package_tree]") {
    const Package filesystem = Package("filesystem").directory("/usr/lib64").link("/lib64", "usr/lib64");
    const Package glibc = Package("glibc").directory("/lib64").file("/lib64/libc.so.6", "libc", 0755);
    CHECK(dump(merge({filesystem, glibc}).tree) ==
          "/lib64  link usr/lib64\n"
          "/usr  dir\n"
          "/usr/lib64  dir\n"
          "/usr/lib64/libc.so.6  file 0755 " +
              hash("libc") + "\n");
}

TEST_CASE("links below links and links to links find their place in any order", "[package_tree]") {
    const Package a = Package("a").link("/lib", "usr/lib").link("/x", "/lib/y");
    const Package b = Package("b").link("/lib/y", "../share/z");
    const Package c = Package("c").file("/x/file", "deep");
    const FileTree tree = merge({a, b, c}).tree;
    CHECK(tree.contains(at("/usr/share/z/file")));
    CHECK(as_symlink(tree.find(at("/usr/lib/y"))) != nullptr);
    CHECK(as_regular(tree.resolve(at("/x/file")).entry) != nullptr);
}

TEST_CASE("'..' in a package's link stops at the root of the image", "[package_tree]") {
    const Package a = Package("a").link("/up", "../../../../etc");
    const Package b = Package("b").file("/up/passwd", "p");
    CHECK(merge({a, b}).tree.contains(at("/etc/passwd")));
}

TEST_CASE("links that run in a circle are an error only when something is below them", "[package_tree]") {
    const Package circle = Package("circle").link("/a", "b").link("/b", "a");
    CHECK(merge({circle}).tree.size() == 2);
    CHECK(conflict({circle, Package("x").file("/a/file", "x")}).find("circle") != std::string::npos);
}

TEST_CASE("the same file in two packages is one file", "[package_tree]") {
    const Package a = Package("a").file("/usr/share/licenses/GPL", "text");
    const Package b = Package("b").file("/usr/share/licenses/GPL", "text");
    const FileTree tree = merge({a, b}).tree;
    CHECK(tree.find(at("/usr/share/licenses/GPL"))->origin == "a");
    CHECK(merge({Package("a").link("/l", "t"), Package("b").link("/l", "t")}).tree.size() == 1);
}

TEST_CASE("of the same bytes with different modes the executable one stays", "[package_tree]") {
    const FileTree tree = merge({Package("a").file("/f", "x", 0644), Package("b").file("/f", "x", 0755)}).tree;
    CHECK(as_regular(tree.find(at("/f")))->executable);
}

TEST_CASE("of two word sizes of a program the 64-bit one stays", "[package_tree]") {
    const FileTree tree = merge({Package("x.i686").file("/usr/bin/x", "32", 0755, 1),
                                 Package("x.x86_64").file("/usr/bin/x", "64", 0755, 2)})
                              .tree;
    CHECK(tree.find(at("/usr/bin/x"))->origin == "x.x86_64");
    // Nothing decides between ELF and what is not.
    CHECK(conflict({Package("a").file("/f", "32", 0755, 1), Package("b").file("/f", "script", 0755, 0)}) !=
          "no conflict");
}

TEST_CASE("different things at one place are an error that names both packages, all at once", "[package_tree]") {
    CHECK(conflict({Package("a-1").file("/f", "1").file("/g", "1").link("/l", "x"),
                    Package("b-1").file("/f", "2").file("/g", "2").link("/l", "y")}) ==
          "packages conflict in their files: '/f' is a file in 'a-1' and a different one in 'b-1'; "
          "'/g' is a file in 'a-1' and a different one in 'b-1'; "
          "'/l' is a link to 'x' in 'a-1' and a link to 'y' in 'b-1'");
    CHECK(conflict({Package("a").file("/f", "1"), Package("b").file("/f/below", "2")}) ==
          "packages conflict in their files: '/f' is a file in 'a' and a directory, which holds '/f/below', in 'b'");
    CHECK(conflict({Package("a").file("/f", "1"), Package("b").directory("/f")}) != "no conflict");
}

TEST_CASE("a link to a file can't stand for another package's directory", "[package_tree]") {
    const Package a = Package("a").link("/d", "file").file("/file", "x");
    CHECK(conflict({a, Package("b").directory("/d")}) ==
          "packages conflict in their files: '/d' is a link to 'file' in 'a' and a directory in 'b'");
}

TEST_CASE("a ghost is nothing, and gives way to everything", "[package_tree]") {
    const FileTree tree =
        merge({Package("a").ghost("/var/log/x").ghost("/etc/real"), Package("b").file("/etc/real", "r")}).tree;
    CHECK_FALSE(tree.contains(at("/var/log/x")));
    CHECK(tree.find(at("/etc/real"))->origin == "b");
}

TEST_CASE("what an image can't carry is left out and noted", "[package_tree]") {
    const MergedPackages merged = merge({Package("a")
                                             .special("/dev/sda", RpmFileKind::device)
                                             .special("/run/pipe", RpmFileKind::fifo)
                                             .file("/usr/bin/su", "su", 04755)
                                             .file("/usr/bin/wall", "wall", 02755)
                                             .file("/usr/bin/ping", "ping", 0755)
                                             .capabilities("cap_net_raw=ep")});
    CHECK_FALSE(merged.tree.contains(at("/dev/sda")));
    CHECK_FALSE(merged.tree.contains(at("/run/pipe")));
    CHECK(merged.notes.at(at("/dev/sda")) == std::vector<std::string>{"device left out"});
    CHECK(merged.notes.at(at("/usr/bin/su")) == std::vector<std::string>{"setuid bit dropped"});
    CHECK(merged.notes.at(at("/usr/bin/wall")) == std::vector<std::string>{"setgid bit dropped"});
    CHECK(merged.notes.at(at("/usr/bin/ping")) ==
          std::vector<std::string>{"file capabilities dropped: cap_net_raw=ep"});
}

TEST_CASE("a directory lands where another package's link points, should nothing be there", "[package_tree]") {
    CHECK(dump(merge({Package("a").link("/d", "e/f"), Package("b").directory("/d")}).tree) ==
          "/d  link e/f\n/e  dir\n/e/f  dir\n");
    CHECK(conflict({Package("a").link("/d", "d"), Package("b").directory("/d")}) != "no conflict");
    CHECK(conflict({Package("a").link("/d", "f/x").file("/f", "f"), Package("b").directory("/d")}) != "no conflict");
}

TEST_CASE("a device and a file at one place are a conflict, though the device is left out", "[package_tree]") {
    CHECK(conflict({Package("a").special("/n", RpmFileKind::device), Package("b").file("/n", "x")}) ==
          "packages conflict in their files: '/n' is a device in 'a' and a file in 'b'");
    CHECK(conflict({Package("a").special("/n", RpmFileKind::fifo), Package("b").special("/n", RpmFileKind::fifo)}) ==
          "no conflict");
}

TEST_CASE("what is lost of a file is noted, whichever of its packages says so", "[package_tree]") {
    const auto notes = merge({Package("a").file("/su", "su", 0755), Package("b").file("/su", "su", 04755)}).notes;
    CHECK(notes.at(at("/su")) == std::vector<std::string>{"setuid bit dropped"});
}

TEST_CASE("what no file system could hold is told with its package", "[package_tree]") {
    const auto message = [](const std::vector<Package>& packages) {
        try {
            static_cast<void>(merge(packages));
        } catch (const Error& e) {
            return e.message();
        }
        return std::string("no error");
    };
    CHECK(message({Package("a").link("/l", "")}).find("'a'") != std::string::npos);
    CHECK(message({Package("a").link("/l", std::string(5000, 'x'))}).find("'a'") != std::string::npos);
    std::string deep;
    while (deep.size() < 3800) deep += "/" + std::string(100, 'd');
    CHECK(message({Package("a").link("/l", deep), Package("b").file("/l" + deep.substr(0, 2000), "x")}).find("'b'") !=
          std::string::npos);
}

namespace {

/// A package of files at a few places, as a stranger might build it: each place of any kind.
Package random_package(std::mt19937& random, const std::string& name) {
    const auto one_of = [&](const auto& list) { return list[random() % list.size()]; };
    const std::vector<std::string> names = {"a", "b", "c"};
    Package out(name);
    for (unsigned i = 0; i < 1 + random() % 4; ++i) {
        std::string path;
        for (unsigned depth = 0; depth < 1 + random() % 3; ++depth) path += "/" + one_of(names);
        switch (random() % 8) {
            case 0: out.directory(path); break;
            case 1:
            case 2: out.link(path, (random() % 2 == 0 ? "/" : "../") + one_of(names)); break;
            case 3: out.ghost(path); break;
            case 4: out.special(path, RpmFileKind::device); break;
            case 5: out.file(path, one_of(names), 0755, 1 + random() % 2); break;
            default: out.file(path, "same", random() % 2 == 0 ? 0644 : 04755);
        }
    }
    return out;
}

std::string result_of(const std::vector<PackageFiles>& list) {
    try {
        const MergedPackages merged = merge_packages(list);
        std::string out = dump(merged.tree);
        for (const auto& [path, entry] : merged.tree.entries()) out += path.str() + " from " + entry.origin + "\n";
        for (const auto& [path, notes] : merged.notes) {
            for (const std::string& note : notes) out += path.str() + ": " + note + "\n";
        }
        return out;
    } catch (const Error& e) {
        return e.message();
    }
}

}  // namespace

TEST_CASE("neither result nor error depends on the order of the packages", "[package_tree]") {
    std::mt19937 random(4711);
    int merged = 0;
    for (int round = 0; round < 3000; ++round) {
        std::vector<PackageFiles> list;
        for (unsigned i = 0; i < 2 + random() % 4; ++i) {
            // Now and then two builds of one NEVRA.
            list.push_back(random_package(random, "p" + std::to_string(random() % 8)).files());
        }
        const std::string expected = result_of(list);
        if (expected.starts_with("/")) ++merged;
        for (int order = 0; order < 6; ++order) {
            std::shuffle(list.begin(), list.end(), random);
            REQUIRE(result_of(list) == expected);
        }
    }
    // The sets are not such that all of them conflict.
    CHECK(merged > 300);
}

TEST_CASE("as many files as a distribution has are merged in linear time", "[.][benchmark]") {
    std::vector<PackageFiles> list;
    for (int p = 0; p < 2000; ++p) {
        Package package("package-with-a-name-" + std::to_string(p) + "-1.0-1.el9.x86_64");
        for (int f = 0; f < 75; ++f) {
            package.file("/lib/modules/some/directory/" + std::to_string(p % 300) + "/file-" + std::to_string(p) + "-" +
                             std::to_string(f),
                         "x");
        }
        list.push_back(package.files());
    }
    list.push_back(Package("filesystem").link("/lib", "usr/lib").directory("/usr/lib").files());
    const auto start = std::chrono::steady_clock::now();
    const MergedPackages merged = merge_packages(list);
    WARN(merged.tree.size() << " entries in "
                            << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << " s");
}
