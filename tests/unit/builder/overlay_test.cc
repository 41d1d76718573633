// SPDX-License-Identifier: Apache-2.0
#include "builder/overlay.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.h"
#include "tests/unit/temp_dir.h"

namespace smith::builder {

namespace fs = std::filesystem;

namespace {

/// A directory on disk to be read, and where its bytes go.
class Rootfs {
public:
    Rootfs() { fs::create_directories(root()); }

    [[nodiscard]] fs::path root() const { return dir_.path() / "rootfs"; }

    void file(const std::string& name, const std::string& bytes, mode_t mode = 0644) const {
        fs::create_directories((root() / name).parent_path());
        std::ofstream(root() / name) << bytes;
        REQUIRE(::chmod((root() / name).c_str(), mode) == 0);
    }
    void link(const std::string& name, const std::string& target) const { fs::create_symlink(target, root() / name); }

    FileTree read(Reporter& reporter = silent_reporter()) {
        PackWriter out = store_.write_pack(sha256("overlay"));
        FileTree tree = read_overlay(root(), out, reporter);
        pack = out.finish_unnamed();
        return tree;
    }

    std::shared_ptr<const Pack> pack;

private:
    TempDir dir_;
    ContentStore store_{dir_.path() / "store"};
};

Entry file_of(const std::string& bytes) { return {Regular{false, {sha256(bytes), bytes.size()}}, "test"}; }
Entry link_to(const std::string& target) { return {Symlink{target}, "test"}; }
const Entry kDirectory{Directory{}, "test"};

FileTree tree_of(std::initializer_list<std::pair<const char*, Entry>> entries) {
    FileTree out;
    for (const auto& [path, entry] : entries) out.put(ImagePath::parse(path), entry);
    return out;
}

std::string laid(FileTree tree, const FileTree& overlay, const FileTree& available = FileTree()) {
    apply_overlay(tree, overlay, available);
    return dump(tree);
}

}  // namespace

TEST_CASE("an overlay is read with its links, its executable bits and its bytes", "[overlay]") {
    Rootfs rootfs;
    rootfs.file("read/data", "hello\n");
    rootfs.file("app/run", "#!/bin/sh\n", 0700);
    rootfs.file("app/for-others", "", 0677);
    rootfs.link("app/link", "/read/data");
    fs::create_directories(rootfs.root() / "empty");
    const FileTree tree = rootfs.read();
    CHECK(dump(tree) ==
          "/app  dir\n"
          "/app/for-others  file 0644 e3b0c442\n"
          "/app/link  link /read/data\n"
          "/app/run  file 0755 a8076d3d\n"
          "/empty  dir\n"
          "/read  dir\n"
          "/read/data  file 0644 5891b5b5\n");
    CHECK(tree.find(ImagePath::parse("/read/data"))->origin == "rootfs");
    const auto bytes = rootfs.pack->find(sha256("hello\n"));
    REQUIRE(bytes);
    CHECK(bytes->size() == 6);
}

TEST_CASE("files named .gitignore stay behind, and the directories that they keep do not", "[overlay]") {
    Rootfs rootfs;
    rootfs.file(".gitignore", "");
    rootfs.file("write/.gitignore", "*\n");
    rootfs.file("etc/gitignore", "");
    CHECK(dump(rootfs.read()) == "/etc  dir\n/etc/gitignore  file 0644 e3b0c442\n/write  dir\n");
}

TEST_CASE("a link of an overlay is kept, wherever it leads", "[overlay]") {
    Rootfs rootfs;
    rootfs.link("shadow", "/etc/shadow");
    rootfs.link("out", "../../..");
    rootfs.link("loop", "loop");
    rootfs.link(".gitignore", "x");
    CHECK(dump(rootfs.read()) ==
          "/.gitignore  link x\n/loop  link loop\n/out  link ../../..\n/shadow  link /etc/shadow\n");
}

TEST_CASE("the directory itself may be a link, but not a file and not a link into nowhere", "[overlay]") {
    const TempDir dir;
    ContentStore store(dir.path() / "store");
    PackWriter out = store.write_pack(sha256("x"));
    const auto read = [&](const char* name) { return dump(read_overlay(dir.path() / name, out, silent_reporter())); };
    fs::create_directories(dir.path() / "real/etc");
    fs::create_symlink("real", dir.path() / "link");
    fs::create_symlink("nowhere", dir.path() / "dangling");
    std::ofstream(dir.path() / "file") << "x";
    CHECK(read("absent").empty());
    CHECK(read("link") == "/etc  dir\n");
    CHECK_THROWS_WITH(read("file"), Catch::EndsWith("it is not a directory"));
    CHECK_THROWS_WITH(read("dangling"), Catch::Contains("No such file"));
}

TEST_CASE("fifos and sockets are refused, all at once", "[overlay]") {
    Rootfs rootfs;
    rootfs.file("ok", "");
    REQUIRE(::mkfifo((rootfs.root() / "pipe").c_str(), 0644) == 0);
    fs::create_directories(rootfs.root() / "run");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = (rootfs.root() / "run/s").string();
    REQUIRE(name.size() < sizeof address.sun_path);
    std::copy(name.begin(), name.end(), address.sun_path);
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    CHECK_THROWS_WITH(rootfs.read(), Catch::EndsWith("no image can hold '/pipe', a fifo, '/run/s', a socket"));
}

TEST_CASE("setuid bits are dropped with a warning", "[overlay]") {
    Rootfs rootfs;
    rootfs.file("su", "", 04755);
    RecordingReporter reporter;
    CHECK(dump(rootfs.read(reporter)) == "/su  file 0755 e3b0c442\n");
    CHECK(reporter.warnings ==
          std::vector<std::string>{
              "overlay file '/su' is setuid, which no file of a microcontainer is, ignoring the bit"});
}

TEST_CASE("what is larger than a buffer is read whole", "[overlay]") {
    Rootfs rootfs;
    const std::string big(1'000'003, 'x');
    rootfs.file("big", big);
    const FileTree tree = rootfs.read();
    CHECK(as_regular(tree.find(ImagePath::parse("/big")))->content == Content{sha256(big), big.size()});
}

TEST_CASE("an overlay's file replaces a file, a link and a whole directory", "[overlay]") {
    CHECK(laid(tree_of({{"/a", file_of("1")}, {"/b", link_to("a")}, {"/c/d", file_of("1")}}),
               tree_of({{"/a", file_of("2")}, {"/b", file_of("2")}, {"/c", link_to("a")}})) ==
          "/a  file 0644 d4735e3a\n/b  file 0644 d4735e3a\n/c  link a\n");
}

TEST_CASE("directories merge", "[overlay]") {
    CHECK(laid(tree_of({{"/etc/a", file_of("1")}}), tree_of({{"/etc/b", file_of("2")}})) ==
          "/etc  dir\n/etc/a  file 0644 6b86b273\n/etc/b  file 0644 d4735e3a\n");
}

TEST_CASE("files of a directory go where a link to a directory points", "[overlay]") {
    const FileTree tree = tree_of({{"/lib64", link_to("usr/lib64")}, {"/usr/lib64", kDirectory}});
    CHECK(laid(tree, tree_of({{"/lib64/sub/x", file_of("2")}})) ==
          "/lib64  link usr/lib64\n/usr  dir\n/usr/lib64  dir\n/usr/lib64/sub  dir\n"
          "/usr/lib64/sub/x  file 0644 d4735e3a\n");
}

TEST_CASE("a link into nowhere gets its directory", "[overlay]") {
    CHECK(laid(tree_of({{"/lib64", link_to("usr/lib64")}}), tree_of({{"/lib64/x", file_of("2")}})) ==
          "/lib64  link usr/lib64\n/usr  dir\n/usr/lib64  dir\n/usr/lib64/x  file 0644 d4735e3a\n");
}

TEST_CASE("a directory replaces a file, a link to a file and a link below a file", "[overlay]") {
    const FileTree overlay = tree_of({{"/a/x", file_of("2")}});
    const std::string laid_down = "/a  dir\n/a/x  file 0644 d4735e3a\n";
    CHECK(laid(tree_of({{"/a", file_of("1")}}), overlay) == laid_down);
    CHECK(laid(tree_of({{"/a", link_to("f")}, {"/f", file_of("1")}}), overlay) ==
          laid_down + "/f  file 0644 6b86b273\n");
    CHECK(laid(tree_of({{"/a", link_to("f/g")}, {"/f", file_of("1")}}), overlay) ==
          laid_down + "/f  file 0644 6b86b273\n");
}

TEST_CASE("links of the packages are brought along where the overlay has a directory", "[overlay]") {
    const FileTree available = tree_of({{"/lib64", link_to("usr/lib64")},
                                        {"/usr/lib64/libc.so.6", file_of("1")},
                                        {"/bin", link_to("usr/bin")},
                                        {"/file", link_to("usr/lib64/libc.so.6")}});
    CHECK(laid(FileTree(), tree_of({{"/lib64/x", file_of("2")}, {"/file/y", file_of("2")}}), available) ==
          "/file  dir\n/file/y  file 0644 d4735e3a\n/lib64  link usr/lib64\n/usr  dir\n/usr/lib64  dir\n"
          "/usr/lib64/x  file 0644 d4735e3a\n");
}

TEST_CASE("a circle of links in the way is an error, not a loop", "[overlay]") {
    CHECK_THROWS_WITH(laid(tree_of({{"/a", link_to("b")}, {"/b", link_to("a")}}), tree_of({{"/a/x", file_of("2")}})),
                      "laying down overlay file '/a': '/a' leads through a circle of links");
}

TEST_CASE("an overlay that is laid twice lies as if once", "[overlay]") {
    const FileTree overlay = tree_of({{"/lib64/x", file_of("2")}, {"/etc", link_to("usr/etc")}});
    FileTree tree = tree_of({{"/lib64", link_to("usr/lib64")}, {"/etc/a", file_of("1")}});
    apply_overlay(tree, overlay);
    CHECK(laid(tree, overlay) == dump(tree));
}

}  // namespace smith::builder
